(* What training bounds are the norms of the two layers, ||W|| <= RW and ||a|| <= Ra: the same barriers hold there. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Ball Isthmus.Check Isthmus.Path Isthmus.Exact Isthmus.Rational
  Isthmus.Statements.
Import ListNotations.
Open Scope R_scope.

(* the largest of the first d entries *)
Fixpoint largest (d : nat) (u : rvec) : R := match d with O => 0 | S k => Rmax (largest k u) (Rabs (u k)) end.

(* ||W|| <= RW and ||a|| <= Ra in the norms of the ball *)
Definition in_layers (m d : nat) (ball : balls) (RW Ra : R) (W : nat -> rvec) (a : nat -> R) : Prop :=
  match ball with
  | Free => True
  | Entrywise _ _ => (forall j, (j < m)%nat -> largest d (W j) <= RW) /\ forall j, (j < m)%nat -> Rabs (a j) <= Ra
  | Columns _ _ => (forall j, (j < m)%nat -> norm d (W j) <= RW) /\ forall j, (j < m)%nat -> Rabs (a j) <= Ra
  | Frobenius _ _ => norm m (fun j => norm d (W j)) <= RW /\ norm m a <= Ra
  | Spectral _ _ => spectral m d W RW /\ forall j, (j < m)%nat -> Rabs (a j) <= Ra
  | Summing _ _ => spectral m d W RW /\ norm m a <= Ra
  end.

Definition connects_layers m d ball RW Ra lab (A B : endpoint) (W : R -> nat -> rvec) (a : R -> nat -> R) : Prop :=
  is_path m d W a /\ (forall t, 0 <= t <= 1 -> in_layers m d ball RW Ra (W t) (a t)) /\ is_net m d A (W 0) (a 0) /\
  exists s, renaming lab m s /\ is_net m d B (fun j => W 1 (s j)) (fun j => a 1 (s j)).

Definition barrier_layers X y m d ball RW Ra lab A B (lower upper : R) : Prop :=
  (forall W a, connects_layers m d ball RW Ra lab A B W a -> exists t, 0 <= t <= 1 /\ lossq X y m (W t) (a t) >= lower) /\
  (exists W a, connects_layers m d ball RW Ra lab A B W a /\ forall t, 0 <= t <= 1 -> lossq X y m (W t) (a t) <= upper).

Definition least_layers X y m d ball RW Ra (lower upper : R) : Prop :=
  (forall W a, in_layers m d ball RW Ra W a -> lossq X y m W a >= lower) /\
  exists W a, in_layers m d ball RW Ra W a /\ lossq X y m W a <= upper.

Definition linked_layers X y m d ball RW Ra (lab : bool) (b : R) (W : nat -> rvec) (a : nat -> R) (A : endpoint) : Prop :=
  exists f g V v, Bij m f g /\ (lab = true -> forall j, (j < m)%nat -> g j = j) /\ is_path m d V v /\
    eqnet m d (V 0) (v 0) (fun j => W (g j)) (fun j => a (g j)) /\ eqnet m d (V 1) (v 1) (W_of A) (a_of A) /\
    forall t, 0 <= t <= 1 -> in_layers m d ball RW Ra (V t) (v t) /\ lossq X y m (V t) (v t) <= b.

Definition components_layers X y m d ball RW Ra (lab : bool) (b : R) (reps : list endpoint) : Prop :=
  (forall A, In A reps -> in_layers m d ball RW Ra (W_of A) (a_of A) /\ lossq X y m (W_of A) (a_of A) <= b) /\
  (forall W a, in_layers m d ball RW Ra W a -> lossq X y m W a <= b ->
     exists A, In A reps /\ linked_layers X y m d ball RW Ra lab b W a A) /\
  (forall i j, (i < length reps)%nat -> (j < length reps)%nat -> i <> j ->
     ~ linked_layers X y m d ball RW Ra lab b (W_of (nth i reps [])) (a_of (nth i reps [])) (nth j reps [])).

(* ---- continuity of roots ---- *)

Lemma cont01_sqrt : forall n, cont01 n -> (forall t, 0 <= t <= 1 -> 0 <= n t) -> cont01 (fun t => sqrt (n t)).
Proof.
  intros n C P t Ht eps He. destruct (C t Ht (eps * eps)) as (e & He' & H); [nra|]. exists e. split; auto.
  intros s Hs L. specialize (H s Hs L). pose proof (P t Ht) as P1. pose proof (P s Hs) as P2.
  pose proof (sqrt_sqrt _ P1) as E1. pose proof (sqrt_sqrt _ P2) as E2.
  pose proof (sqrt_pos (n t)) as N1. pose proof (sqrt_pos (n s)) as N2.
  set (x := sqrt (n t)) in *. set (z := sqrt (n s)) in *. rewrite <- E1, <- E2 in H.
  apply Rabs_def2 in H as [H1 H2]. apply Rabs_def1; apply Rnot_le_lt; intros G; nra.
Qed.

(* f / sqrt n, which is 0 where n is *)
Lemma cont01_root : forall f n, cont01 f -> cont01 n -> (forall t, 0 <= t <= 1 -> Rabs (f t) <= n t) ->
  cont01 (fun t => f t * / sqrt (n t)).
Proof.
  intros f n Cf Cn H.
  assert (P : forall t, 0 <= t <= 1 -> 0 <= n t) by (intros t Ht; eapply Rle_trans; [apply Rabs_pos|apply (H t Ht)]).
  pose proof (cont01_sqrt n Cn P) as Cs. apply cont01_lim. intros t Ht. destruct (P t Ht) as [L|E].
  - apply (limit_mul f (fun t => / sqrt (n t)) I01 (f t) (/ sqrt (n t)) t); [apply (proj1 (cont01_lim f)); auto|].
    apply (limit_inv (fun t => sqrt (n t)) I01 (sqrt (n t)) t); [apply (proj1 (cont01_lim (fun t => sqrt (n t)))); auto|].
    apply Rgt_not_eq, sqrt_lt_R0; auto.
  - assert (F0 : f t = 0).
    { pose proof (H t Ht) as Hf. rewrite <- E in Hf. pose proof (Rabs_pos (f t)).
      destruct (Req_dec (f t) 0) as [|N]; auto. apply Rabs_pos_lt in N. lra. }
    intros eps He. destruct (Cs t Ht eps He) as (e & He' & G). exists e. split; auto.
    intros s [Hs L]. specialize (G s Hs L). simpl. unfold R_dist. rewrite F0, Rmult_0_l, Rminus_0_r.
    rewrite <- E, sqrt_0, Rminus_0_r in G. rewrite Rabs_right in G by (apply Rle_ge, sqrt_pos).
    eapply Rle_lt_trans; [|exact G]. pose proof (P s Hs) as Ps. destruct Ps as [Lp|Ep].
    + pose proof (sqrt_lt_R0 _ Lp) as Q. rewrite Rabs_mult, (Rabs_right (/ sqrt (n s))) by (left; apply Rinv_0_lt_compat; auto).
      apply Rmult_le_reg_r with (sqrt (n s)); auto. rewrite Rmult_assoc, Rinv_l, Rmult_1_r, sqrt_sqrt by lra. apply H; auto.
    + specialize (H s Hs). rewrite <- Ep in H. pose proof (Rabs_pos (f s)).
      assert (Rabs (f s) = 0) as Z by lra. rewrite Rabs_mult, Z, Rmult_0_l. apply sqrt_pos.
Qed.

(* ---- both norms of a neuron's weights ---- *)

Record size (d : nat) (N : rvec -> R) : Prop := Size {
  s_pos : forall u, 0 <= N u;
  s_scale : forall c u, N (fun i => c * u i) = Rabs c * N u;
  s_entry : forall u i, (i < d)%nat -> Rabs (u i) <= N u;
  s_ext : forall u v, (forall i, (i < d)%nat -> u i = v i) -> N u = N v;
  s_add : forall u v, N (fun i => u i + v i) <= N u + N v
}.

Lemma norm_size : forall d, size d (norm d).
Proof.
  intros d. split.
  - intros; apply norm_pos.
  - apply norm_scale.
  - intros u i Hi. apply entry_norm; auto.
  - intros u v E. apply norm_ext; auto.
  - intros u v. rewrite (norm_ext d _ (fun i => 2 * ((1 - / 2) * u i + / 2 * v i))) by (intros; field).
    rewrite norm_scale, (Rabs_right 2) by lra. pose proof (norm_mix d (/ 2) u v ltac:(lra)). lra.
Qed.

Lemma largest_size : forall d, size d (largest d).
Proof.
  intros d. split.
  - intros u. induction d as [|d IH]; simpl; [lra|]. eapply Rle_trans; [exact IH|apply Rmax_l].
  - intros c u. induction d as [|d IH]; simpl; [ring|]. rewrite IH, Rabs_mult, RmaxRmult; auto. apply Rabs_pos.
  - intros u i Hi. induction d as [|d IH]; [lia|]. simpl. destruct (Nat.eq_dec i d) as [->|N]; [apply Rmax_r|].
    eapply Rle_trans; [apply IH; lia|apply Rmax_l].
  - intros u v E. induction d as [|d IH]; simpl; auto. rewrite IH, E; auto.
  - intros u v. induction d as [|d IH]; simpl; [lra|]. apply Rmax_lub.
    + eapply Rle_trans; [exact IH|]. apply Rplus_le_compat; apply Rmax_l.
    + eapply Rle_trans; [apply Rabs_triang|]. apply Rplus_le_compat; apply Rmax_r.
Qed.

(* a sum or all are at most r *)
Definition under (sh : bool) (m : nat) (f : nat -> R) (r : R) : Prop :=
  if sh then sumlt m f <= r else forall j, (j < m)%nat -> f j <= r.

Lemma under_le : forall sh m f g r, under sh m g r -> (forall j, (j < m)%nat -> f j <= g j) -> under sh m f r.
Proof.
  intros [] m f g r H L; unfold under in *; [eapply Rle_trans; [apply sumlt_le; exact L|auto]|].
  intros j Hj. eapply Rle_trans; [apply L|]; auto.
Qed.
Lemma under_scale : forall sh m f r c, 0 <= c -> under sh m f r -> under sh m (fun j => c * f j) (c * r).
Proof.
  intros [] m f r c Hc H; unfold under in *; [rewrite sumlt_scale; apply Rmult_le_compat_l; auto|].
  intros j Hj. apply Rmult_le_compat_l; auto.
Qed.
Lemma under_mix : forall sh m f g r t, 0 <= t <= 1 -> under sh m f r -> under sh m g r ->
  under sh m (fun j => (1 - t) * f j + t * g j) r.
Proof.
  intros [] m f g r t Ht F G; unfold under in *; [rewrite sumlt_mix; nra|].
  intros j Hj. specialize (F j Hj). specialize (G j Hj). nra.
Qed.

Lemma under_bij : forall sh m f g h r, Bij m f g -> under sh m (fun j => h (f j)) r -> under sh m h r.
Proof.
  intros [] m f g h r B H; unfold under in *; [rewrite <- (sumlt_bij m f g h B); auto|].
  intros j Hj. destruct (B j Hj) as (_ & Gj & _ & FG). rewrite <- FG. auto.
Qed.

(* ---- what a neuron adds to the output ---- *)

Lemma dotq_ext : forall x e u v, (length x <= e)%nat -> (forall i, (i < e)%nat -> u i = v i) -> dotq x u = dotq x v.
Proof.
  induction x as [|q x IH]; intros e u v L H; simpl in *; auto. destruct e as [|e]; [lia|]. rewrite (H O) by lia.
  f_equal. apply (IH e); [lia|]. intros i Hi. apply H. lia.
Qed.
Lemma dotq_scale : forall x k u, dotq x (fun i => k * u i) = k * dotq x u.
Proof. induction x as [|q x IH]; intros k u; simpl; [ring|]. rewrite (IH k (fun i => u (S i))). ring. Qed.
Lemma dotq_plus : forall x u v, dotq x (fun i => u i + v i) = dotq x u + dotq x v.
Proof. induction x as [|q x IH]; intros u v; simpl; [ring|]. rewrite (IH (fun i => u (S i)) (fun i => v (S i))). ring. Qed.
Lemma cont01_dotq : forall x e (U : R -> rvec), (length x <= e)%nat -> (forall i, (i < e)%nat -> cont01 (fun t => U t i)) ->
  cont01 (fun t => dotq x (U t)).
Proof.
  induction x as [|q x IH]; intros e U L C; cbn [dotq length] in *; [apply cont01_const|]. destruct e as [|e]; [lia|].
  apply cont01_plus; [apply cont01_mult; [apply cont01_const|apply C; lia]|].
  apply (IH e (fun t i => U t (S i))); [lia|]. intros i Hi. apply C. lia.
Qed.

Lemma relu_scale : forall k v, 0 <= k -> Rmax 0 (k * v) = k * Rmax 0 v.
Proof. intros k v Hk. destruct (Rle_dec 0 v); [rewrite !Rmax_right by nra; ring|rewrite !Rmax_left by nra; ring]. Qed.
Lemma relu_add : forall p q, 0 <= p * q -> Rmax 0 (p + q) = Rmax 0 p + Rmax 0 q.
Proof.
  intros p q H. destruct (Rle_dec 0 p) as [P|P], (Rle_dec 0 q) as [Q|Q].
  - rewrite !Rmax_right by lra. auto.
  - assert (p = 0) as -> by nra. rewrite !Rmax_left by lra. ring.
  - assert (q = 0) as -> by nra. rewrite !Rmax_left by lra. ring.
  - rewrite !Rmax_left by lra. ring.
Qed.

Lemma sqerrq_convex : forall t F G K Xs ys, 0 <= t <= 1 -> (forall x, In x Xs -> K x = (1 - t) * F x + t * G x) ->
  sqerrq K Xs ys <= (1 - t) * sqerrq F Xs ys + t * sqerrq G Xs ys.
Proof.
  intros t F G K. induction Xs as [|x Xs IH]; intros [|v ys] Ht H; cbn [sqerrq]; try lra.
  specialize (IH ys Ht (fun x i => H x (or_intror i))). rewrite (H x (or_introl eq_refl)).
  set (p := F x - Q2R v). set (q := G x - Q2R v).
  replace (((1 - t) * F x + t * G x - Q2R v) ^ 2) with ((1 - t) * p ^ 2 + t * q ^ 2 - t * (1 - t) * ((p - q) * (p - q))) by (unfold p, q; ring).
  assert (0 <= t * (1 - t) * ((p - q) * (p - q))) by (apply Rmult_le_pos; [nra|apply Rle_0_sqr]). lra.
Qed.

(* ---- layers in which neurons u = |a| w and squares a^2 may move in straight lines ---- *)

Section Lifted.
Variable m d : nat.
Variable XQ : list (list Q).
Variable yQ : list Q.
Variable c : R.
Hypothesis Len : forall x, In x XQ -> (length x <= d)%nat.
Variable ballwise inside : (nat -> rvec) -> (nat -> R) -> Prop.

Definition alike (a : R) (w : rvec) (a' : R) (w' : rvec) : Prop :=
  0 <= a * a' /\ forall i, (i < d)%nat -> Rabs a' * w' i = Rabs a * w i.

Hypothesis inside_shrink : forall W a W' a' k, inside W a ->
  (forall j, (j < m)%nat -> 0 <= k j <= 1 /\ a' j = k j * a j /\ forall i, (i < d)%nat -> W' j i = k j * W j i) -> inside W' a'.
Hypothesis inside_mix : forall t W0 a0 W1 a1 W a, 0 <= t <= 1 -> inside W0 a0 -> inside W1 a1 ->
  (forall j, (j < m)%nat -> a j * a j = (1 - t) * (a0 j * a0 j) + t * (a1 j * a1 j) /\ forall i, (i < d)%nat ->
     Rabs (a j) * W j i = (1 - t) * (Rabs (a0 j) * W0 j i) + t * (Rabs (a1 j) * W1 j i) /\ (a j = 0 -> W j i = 0)) -> inside W a.
Hypothesis lift : forall W a, ballwise W a -> exists W' a', inside W' a' /\ forall j, (j < m)%nat -> alike (a j) (W j) (a' j) (W' j).

Let good W a := inside W a /\ lossq XQ yQ m W a <= c.

Lemma inside_same : forall W a W' a', eqnet m d W a W' a' -> inside W a -> inside W' a'.
Proof.
  intros W a W' a' E I. apply (inside_shrink W a W' a' (fun _ => 1) I). intros j Hj. destruct (E j Hj) as [E1 E2].
  split; [lra|]. split; [rewrite E1; ring|]. intros i Hi. rewrite E2; auto. ring.
Qed.

Lemma lossq_out : forall W a W' a', (forall j x, (j < m)%nat -> In x XQ -> a' j * Rmax 0 (dotq x (W' j)) = a j * Rmax 0 (dotq x (W j))) ->
  lossq XQ yQ m W' a' = lossq XQ yQ m W a.
Proof.
  intros W a W' a' H. unfold lossq. f_equal.
  assert (E : forall x, In x XQ -> netq m W' a' x = netq m W a x) by (intros x Ix; apply sumlt_ext; auto).
  generalize yQ. clear -E. induction XQ as [|x X IH]; intros [|v ys]; simpl; auto.
  rewrite E by (left; auto). f_equal. apply IH. intros z Iz. apply E. right; auto.
Qed.

Lemma alike_out : forall a w a' w' x, In x XQ -> alike a w a' w' -> a' * Rmax 0 (dotq x w') = a * Rmax 0 (dotq x w).
Proof.
  intros a w a' w' x Ix [S E].
  assert (U : Rabs a' * dotq x w' = Rabs a * dotq x w).
  { rewrite <- !dotq_scale. apply (dotq_ext x d); auto. }
  assert (R : Rabs a' * Rmax 0 (dotq x w') = Rabs a * Rmax 0 (dotq x w)) by (rewrite <- !relu_scale, U by apply Rabs_pos; auto).
  destruct (Rle_dec 0 a) as [P|P], (Rle_dec 0 a') as [Q|Q]; unfold Rabs in R; destruct (Rcase_abs a), (Rcase_abs a'); try lra.
  - assert (a = 0) as -> by nra. rewrite Rmult_0_l in *. lra.
  - assert (a' = 0) as -> by nra. rewrite Rmult_0_l in *. lra.
Qed.

Lemma good_eq : forall W a W' a', eqnet m d W a W' a' -> good W a -> good W' a'.
Proof.
  intros W a W' a' E [I L]. split; [apply (inside_same W a); auto|]. rewrite (lossq_out W a W' a'); auto.
  intros j x Hj Ix. destruct (E j Hj) as [E1 E2]. rewrite E1, (dotq_ext x d (W' j) (W j)); auto. intros i Hi. symmetry. auto.
Qed.

(* a neuron has both weights or none *)
Definition clean (W : nat -> rvec) (a : nat -> R) : Prop :=
  forall j, (j < m)%nat -> a j = 0 <-> forall i, (i < d)%nat -> W j i = 0.

(* a network of the layers that is the same up to rescaling *)
Definition mate W a W' a' : Prop := inside W' a' /\ clean W' a' /\ forall j, (j < m)%nat -> alike (a j) (W j) (a' j) (W' j).

Lemma mate_good : forall W a W' a', mate W a W' a' -> lossq XQ yQ m W a <= c -> good W' a'.
Proof.
  intros W a W' a' (I & _ & E) L. split; auto. rewrite (lossq_out W a W' a'); auto. intros j x Hj Ix. apply alike_out; auto.
Qed.

(* what adds nothing shrinks *)
Lemma self_mate : forall W a, inside W a -> exists W' a', mate W a W' a' /\ (lossq XQ yQ m W a <= c -> joins m d good W a W' a').
Proof.
  intros W a I. set (k := fun (t : R) j => if Req_EM_T (a j * norm d (W j)) 0 then 1 - t else 1).
  assert (Dead : forall j, a j * norm d (W j) = 0 -> a j = 0 \/ forall i, (i < d)%nat -> W j i = 0).
  { intros j E. apply Rmult_integral in E as [E|E]; auto. right. intros i Hi. pose proof (entry_norm d (W j) i Hi) as L. rewrite E in L.
    pose proof (Rabs_pos (W j i)). destruct (Req_dec (W j i) 0) as [|N]; auto. apply Rabs_pos_lt in N. lra. }
  assert (In : forall t, 0 <= t <= 1 -> inside (fun j i => k t j * W j i) (fun j => k t j * a j)).
  { intros t Ht. apply (inside_shrink W a _ _ (k t) I). intros j Hj. split; [|split; auto]. unfold k. destruct Req_EM_T; lra. }
  assert (Al : forall t j, 0 <= t <= 1 -> alike (a j) (W j) (k t j * a j) (fun i => k t j * W j i)).
  { intros t j Ht. unfold alike, k. destruct (Req_EM_T (a j * norm d (W j)) 0) as [E|_].
    - split; [assert (0 <= a j * a j) by apply Rle_0_sqr; nra|]. intros i Hi.
      destruct (Dead j E) as [->|Z]; [rewrite Rmult_0_r, Rabs_R0; ring|]. rewrite Z; auto. ring.
    - split; [assert (0 <= a j * a j) by apply Rle_0_sqr; lra|]. intros i Hi. rewrite !Rmult_1_l. auto. }
  exists (fun j i => k 1 j * W j i), (fun j => k 1 j * a j). split.
  - split; [apply In; lra|]. split; [|intros j Hj; apply Al; lra].
    intros j Hj. unfold k. destruct (Req_EM_T (a j * norm d (W j)) 0) as [E|N]; split; intros H; try (intros; ring); try ring.
    + exfalso. apply N. rewrite Rmult_1_l in H. rewrite H. ring.
    + exfalso. apply N. rewrite (norm_ext d (W j) (fun _ => 0 * 0)), (norm_scale d 0 (fun _ => 0)), Rabs_R0; [ring|].
      intros i Hi. rewrite <- (Rmult_1_l (W j i)), H; auto. ring.
  - intros L. exists (fun t j i => k t j * W j i), (fun t j => k t j * a j).
    assert (Ck : forall j, cont01 (fun t => k t j)).
    { intros j. unfold k. destruct Req_EM_T; [|apply cont01_const].
      apply (cont01_ext (fun t => (1 - t) * 1 + t * 0)); [intros; ring|apply cont01_mix]. }
    split; [split; intros; apply cont01_mult; auto; apply cont01_const|]. split; [|split].
    + intros j Hj. unfold k. destruct Req_EM_T; split; intros; ring.
    + intros j Hj. auto.
    + intros t Ht. split; [apply In; auto|]. rewrite (lossq_out W a); auto. intros j x Hj Ix. apply alike_out; auto.
Qed.

(* networks whose neurons have the same signs and are in the same closed cones *)
Definition near_to W0 a0 W1 a1 : Prop := forall j, (j < m)%nat -> 0 <= a0 j * a1 j /\
  forall x, In x XQ -> 0 <= dotq x (fun i => Rabs (a0 j) * W0 j i) * dotq x (fun i => Rabs (a1 j) * W1 j i).

Lemma segment : forall W0 a0 W1 a1, good W0 a0 -> good W1 a1 -> clean W0 a0 -> clean W1 a1 -> near_to W0 a0 W1 a1 ->
  joins m d good W0 a0 W1 a1.
Proof.
  intros W0 a0 W1 a1 [I0 L0] [I1 L1] C0 C1 H.
  set (s := fun j => if Rlt_dec (a0 j + a1 j) 0 then -1 else 1).
  set (al := fun t j => (1 - t) * (a0 j * a0 j) + t * (a1 j * a1 j)).
  set (u := fun t j i => (1 - t) * (Rabs (a0 j) * W0 j i) + t * (Rabs (a1 j) * W1 j i)).
  set (K := fun j i => Rabs (W0 j i) * / Rabs (a0 j) + Rabs (W1 j i) * / Rabs (a1 j) + 1).
  assert (Sg : forall j, (j < m)%nat -> s j * Rabs (a0 j) = a0 j /\ s j * Rabs (a1 j) = a1 j /\ s j * s j = 1 /\ Rabs (s j) = 1).
  { intros j Hj. destruct (H j Hj) as [S _]. unfold s. destruct (Rlt_dec (a0 j + a1 j) 0).
    - rewrite !Rabs_left1 by nra. repeat split; lra.
    - rewrite (Rabs_right (a0 j)), (Rabs_right (a1 j)), (Rabs_right 1) by (try lra; apply Rle_ge, Rnot_lt_le; intros N; nra). repeat split; lra. }
  assert (Sq : forall x, x * x = Rabs x * Rabs x) by (intros x; rewrite <- Rabs_mult, Rabs_right; nra).
  assert (Ks : forall x w, x = 0 \/ x <> 0 -> Rabs x * Rabs w <= Rabs w * / Rabs x * (x * x)).
  { intros x w [->|N]; [rewrite Rabs_R0; lra|]. rewrite Sq. apply Rabs_pos_lt in N. apply Req_le. field. lra. }
  assert (Pa : forall t j, 0 <= t <= 1 -> 0 <= al t j).
  { intros t j Ht. unfold al. pose proof (Rle_0_sqr (a0 j)) as Q0. pose proof (Rle_0_sqr (a1 j)) as Q1. unfold Rsqr in *. nra. }
  assert (Kp : forall j i, 0 < K j i /\ 0 <= Rabs (W0 j i) * / Rabs (a0 j) /\ 0 <= Rabs (W1 j i) * / Rabs (a1 j)).
  { assert (Q : forall x w, 0 <= Rabs w * / Rabs x).
    { intros x w. apply Rmult_le_pos; [apply Rabs_pos|]. destruct (Req_dec x 0) as [->|N]; [rewrite Rabs_R0, Rinv_0; lra|].
      left. apply Rinv_0_lt_compat, Rabs_pos_lt; auto. }
    intros j i. unfold K. pose proof (Q (a0 j) (W0 j i)). pose proof (Q (a1 j) (W1 j i)). repeat split; auto. lra. }
  assert (Bu : forall t j i, 0 <= t <= 1 -> Rabs (u t j i) <= K j i * al t j).
  { intros t j i Ht. unfold u. eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult, !Rabs_Rabsolu, (Rabs_right t), (Rabs_right (1 - t)) by lra.
    destruct (Kp j i) as (_ & K0 & K1).
    pose proof (Ks (a0 j) (W0 j i) (Req_dec _ _)) as B0. pose proof (Ks (a1 j) (W1 j i) (Req_dec _ _)) as B1.
    pose proof (Rle_0_sqr (a0 j)) as Q0. pose proof (Rle_0_sqr (a1 j)) as Q1. unfold Rsqr in Q0, Q1. unfold K, al.
    set (p := Rabs (W0 j i) * / Rabs (a0 j)) in *. set (q := Rabs (W1 j i) * / Rabs (a1 j)) in *.
    set (y := a0 j * a0 j) in *. set (z := a1 j * a1 j) in *.
    assert (p * y <= (p + q + 1) * y) by (apply Rmult_le_compat_r; lra). assert (q * z <= (p + q + 1) * z) by (apply Rmult_le_compat_r; lra).
    replace ((p + q + 1) * ((1 - t) * y + t * z)) with ((1 - t) * ((p + q + 1) * y) + t * ((p + q + 1) * z)) by ring.
    apply Rplus_le_compat; apply Rmult_le_compat_l; lra. }
  assert (Zero : forall t j i, 0 <= t <= 1 -> al t j = 0 -> u t j i = 0).
  { intros t j i Ht E. pose proof (Bu t j i Ht) as B. rewrite E, Rmult_0_r in B. pose proof (Rabs_pos (u t j i)).
    destruct (Req_dec (u t j i) 0) as [|N]; auto. apply Rabs_pos_lt in N. lra. }
  assert (Wu : forall t j i, 0 <= t <= 1 -> sqrt (al t j) * (u t j i * / sqrt (al t j)) = u t j i).
  { intros t j i Ht. destruct (Req_dec (al t j) 0) as [E|N]; [rewrite (Zero t j i Ht E); ring|].
    pose proof (Pa t j Ht). pose proof (sqrt_lt_R0 (al t j) ltac:(lra)). field. lra. }
  assert (Aa : forall t j, 0 <= t <= 1 -> (j < m)%nat -> Rabs (s j * sqrt (al t j)) = sqrt (al t j)).
  { intros t j Ht Hj. destruct (Sg j Hj) as (_ & _ & _ & S). rewrite Rabs_mult, S, Rabs_right; [ring|]. apply Rle_ge, sqrt_pos. }
  exists (fun t j i => u t j i * / sqrt (al t j)), (fun t j => s j * sqrt (al t j)).
  assert (End : forall x w (a : nat -> R) (W : nat -> rvec) j, (j < m)%nat -> clean W a -> s j * Rabs (a j) = a j -> x = a j * a j ->
    (forall i, (i < d)%nat -> w i = Rabs (a j) * W j i) -> s j * sqrt x = a j /\ forall i, (i < d)%nat -> w i * / sqrt x = W j i).
  { intros x w a W j Hj Cl S -> E. rewrite Sq, sqrt_square by apply Rabs_pos. split; auto. intros i Hi. rewrite E by auto.
    destruct (Req_dec (a j) 0) as [Z|N]; [rewrite (proj1 (Cl j Hj) Z i Hi); ring|]. apply Rabs_pos_lt in N. field. lra. }
  split; [split|split; [|split]].
  - intros j i Hj Hi. destruct (Kp j i) as (K0 & _).
    apply (cont01_ext (fun t => K j i * ((/ K j i * u t j i) * / sqrt (al t j)))).
    + intros t. rewrite <- Rmult_assoc, <- Rmult_assoc, Rinv_r, Rmult_1_l by lra. auto.
    + apply cont01_mult; [apply cont01_const|]. apply (cont01_root (fun t => / K j i * u t j i) (fun t => al t j)).
      * apply cont01_mult; [apply cont01_const|]. unfold u. apply cont01_mix.
      * unfold al. apply cont01_mix.
      * intros t Ht. rewrite Rabs_mult, (Rabs_right (/ K j i)) by (left; apply Rinv_0_lt_compat; auto).
        apply Rmult_le_reg_l with (K j i); auto. rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra. auto.
  - intros j Hj. apply cont01_mult; [apply cont01_const|]. apply cont01_sqrt; [unfold al; apply cont01_mix|]. intros t Ht. auto.
  - intros j Hj. destruct (Sg j Hj) as (S0 & _). apply (End _ (u 0 j) a0 W0 j Hj C0 S0); [unfold al; ring|]. intros i Hi. unfold u. ring.
  - intros j Hj. destruct (Sg j Hj) as (_ & S1 & _). apply (End _ (u 1 j) a1 W1 j Hj C1 S1); [unfold al; ring|]. intros i Hi. unfold u. ring.
  - intros t Ht. split.
    + apply (inside_mix t W0 a0 W1 a1 _ _ Ht I0 I1). intros j Hj. destruct (Sg j Hj) as (_ & _ & S & S'). split.
      * replace (s j * sqrt (al t j) * (s j * sqrt (al t j))) with (s j * s j * (sqrt (al t j) * sqrt (al t j))) by ring.
        rewrite S, sqrt_sqrt by auto. unfold al. ring.
      * intros i Hi. rewrite Aa, Wu by auto. split; [reflexivity|]. intros E. rewrite (Zero t j i Ht); [ring|].
        assert (Z : sqrt (al t j) = 0) by (rewrite <- (Aa t j Ht Hj), E; apply Rabs_R0). apply sqrt_eq_0; auto.
    + unfold lossq in *. pose proof (sqerrq_convex t (netq m W0 a0) (netq m W1 a1)
        (netq m (fun j i => u t j i * / sqrt (al t j)) (fun j => s j * sqrt (al t j))) XQ yQ Ht) as Cv.
      assert (Net : forall x, In x XQ -> netq m (fun j i => u t j i * / sqrt (al t j)) (fun j => s j * sqrt (al t j)) x =
        (1 - t) * netq m W0 a0 x + t * netq m W1 a1 x); [|specialize (Cv Net); nra].
      intros x Ix. unfold netq. rewrite <- sumlt_mix. apply sumlt_ext. intros j Hj. destruct (Sg j Hj) as (S0 & S1 & _ & _).
      destruct (H j Hj) as [_ Hx]. specialize (Hx x Ix).
      rewrite Rmult_assoc, <- relu_scale, <- dotq_scale by apply sqrt_pos.
      rewrite (dotq_ext x d (fun i => sqrt (al t j) * (u t j i * / sqrt (al t j))) (u t j)) by auto. unfold u.
      rewrite (dotq_plus x (fun i => (1 - t) * (Rabs (a0 j) * W0 j i)) (fun i => t * (Rabs (a1 j) * W1 j i))).
      rewrite (dotq_scale x (1 - t) (fun i => Rabs (a0 j) * W0 j i)), (dotq_scale x t (fun i => Rabs (a1 j) * W1 j i)).
      rewrite relu_add.
      * rewrite !relu_scale by lra. rewrite !(dotq_scale x (Rabs _)), !relu_scale by apply Rabs_pos.
        set (p := Rmax 0 (dotq x (W0 j))). set (q := Rmax 0 (dotq x (W1 j))).
        replace (s j * ((1 - t) * (Rabs (a0 j) * p) + t * (Rabs (a1 j) * q))) with ((1 - t) * (s j * Rabs (a0 j) * p) + t * (s j * Rabs (a1 j) * q)) by ring.
        rewrite S0, S1. reflexivity.
      * set (p := dotq x (fun i => Rabs (a0 j) * W0 j i)) in *. set (q := dotq x (fun i => Rabs (a1 j) * W1 j i)) in *.
        replace ((1 - t) * p * (t * q)) with (t * (1 - t) * (p * q)) by ring. apply Rmult_le_pos; auto. nra.
Qed.

Lemma near_mates : forall W0 a0 W1 a1 V0 b0 V1 b1, mate W0 a0 V0 b0 -> mate W1 a1 V1 b1 -> near_to W0 a0 W1 a1 -> near_to V0 b0 V1 b1.
Proof.
  intros W0 a0 W1 a1 V0 b0 V1 b1 (_ & C0 & E0) (_ & C1 & E1) H j Hj. destruct (H j Hj) as [S Hx]. destruct (E0 j Hj) as [S0 U0]. destruct (E1 j Hj) as [S1 U1].
  assert (Nz : forall (a b : nat -> R) (W V : nat -> rvec), clean V b -> (forall i, (i < d)%nat -> Rabs (b j) * V j i = Rabs (a j) * W j i) -> b j <> 0 -> a j <> 0).
  { intros a b W V C U N Z. apply N. apply (C j Hj). intros i Hi. specialize (U i Hi). rewrite Z, Rabs_R0, Rmult_0_l in U.
    apply Rmult_integral in U as [U|U]; auto. apply Rabs_pos_lt in N. lra. }
  split.
  - destruct (Req_dec (b0 j) 0) as [->|N0]; [lra|]. destruct (Req_dec (b1 j) 0) as [->|N1]; [lra|].
    pose proof (Nz a0 b0 W0 V0 C0 U0 N0) as M0. pose proof (Nz a1 b1 W1 V1 C1 U1 N1) as M1.
    destruct (Rtotal_order (a0 j) 0) as [A|[A|A]]; [|contradiction|]; destruct (Rtotal_order (a1 j) 0) as [B|[B|B]]; try contradiction; try (exfalso; nra).
    + assert (b0 j < 0) by nra. assert (b1 j < 0) by nra. nra.
    + assert (0 < b0 j) by nra. assert (0 < b1 j) by nra. nra.
  - intros x Ix. specialize (Hx x Ix). rewrite (dotq_ext x d _ _ (Len x Ix) U0), (dotq_ext x d _ _ (Len x Ix) U1). exact Hx.
Qed.

Lemma lifted_mate : forall W a, ballwise W a -> exists W' a', mate W a W' a'.
Proof.
  intros W a B. destruct (lift W a B) as (W1 & a1 & I & E). destruct (self_mate W1 a1 I) as (W' & a' & (I' & C & E') & _).
  exists W', a'. split; auto. split; auto. intros j Hj. destruct (E j Hj) as [S U]. destruct (E' j Hj) as [S' U']. split.
  - destruct (Req_dec (a1 j) 0) as [Z|N].
    + assert (Za : a' j = 0); [|rewrite Za; lra]. destruct (Req_dec (a' j) 0) as [|N]; auto. apply (C j Hj). intros i Hi.
      specialize (U' i Hi). rewrite Z, Rabs_R0, Rmult_0_l in U'. apply Rmult_integral in U' as [U'|U']; auto. apply Rabs_pos_lt in N. lra.
    + destruct (Rtotal_order (a1 j) 0) as [A|[A|A]]; [|contradiction|].
      * assert (a j <= 0) by nra. assert (a' j <= 0) by nra. nra.
      * assert (0 <= a j) by nra. assert (0 <= a' j) by nra. nra.
  - intros i Hi. rewrite U', U; auto.
Qed.

Lemma lifted_good : forall W a, ballwise W a -> lossq XQ yQ m W a <= c -> exists W' a', good W' a'.
Proof. intros W a B L. destruct (lifted_mate W a B) as (W' & a' & M). exists W', a'. apply (mate_good W a); auto. Qed.

(* along a path in the ball the networks of the layers that are the same stay joined: signs change where a neuron is
   zero, so that networks close to each other are near *)
Lemma lifted_path : forall V v, is_path m d V v ->
  (forall t, 0 <= t <= 1 -> ballwise (V t) (v t) /\ lossq XQ yQ m (V t) (v t) <= c) ->
  inside (V 0) (v 0) -> inside (V 1) (v 1) -> joins m d good (V 0) (v 0) (V 1) (v 1).
Proof.
  intros V v [CV Cv] H I0 I1. pose proof (glued m d good good_eq) as Glue.
  destruct (self_mate (V 0) (v 0) I0) as (W0 & a0 & M0 & J0). destruct (self_mate (V 1) (v 1) I1) as (W1 & a1 & M1 & J1).
  apply (Glue _ _ W0 a0); [apply J0; apply H; lra|]. apply (Glue _ _ W1 a1); [|apply turned, J1; apply H; lra].
  set (Q := fun t => 0 <= t <= 1 -> forall W a, mate (V t) (v t) W a -> joins m d good W0 a0 W a).
  assert (Step : forall s t, 0 <= s <= 1 -> 0 <= t <= 1 -> near_to (V s) (v s) (V t) (v t) -> forall W a W' a',
    mate (V s) (v s) W a -> mate (V t) (v t) W' a' -> joins m d good W a W' a').
  { intros s t Hs Ht N W a W' a' M M'. destruct (H s Hs) as [_ Ls]. destruct (H t Ht) as [_ Lt].
    apply segment; [apply (mate_good (V s) (v s)); auto|apply (mate_good (V t) (v t)); auto|apply M|apply M'|].
    apply (near_mates (V s) (v s) (V t) (v t)); auto. }
  assert (Sym : forall W a W' a', near_to W a W' a' -> near_to W' a' W a).
  { intros W a W' a' N j Hj. destruct (N j Hj) as [S Hx]. split; [lra|]. intros x Ix. specialize (Hx x Ix). lra. }
  assert (Go : forall s t, 0 <= s <= 1 -> 0 <= t <= 1 -> near_to (V s) (v s) (V t) (v t) -> Q s -> Q t).
  { intros s t Hs Ht N Qs _ W a M. destruct (H s Hs) as [Bs _]. destruct (lifted_mate _ _ Bs) as (W' & a' & M').
    apply (Glue _ _ W' a'); [apply Qs; auto|]. apply (Step s t); auto. }
  assert (Q1 : Q 1); [|apply Q1; auto; lra]. apply (connected01 Q).
  - intros t Ht. assert (Nr : near t (fun s => near_to (V s) (v s) (V t) (v t))).
    { apply near_lt. intros j Hj. apply near_and.
      - apply (near_imp t (fun s => refines (v s j) (v t j))); [|apply (near_refines (fun t => v t j)); auto].
        intros s [R1 R2]. destruct (Rtotal_order (v t j) 0) as [A|[A|A]]; [specialize (R2 A); nra|rewrite A; lra|specialize (R1 A); nra].
      - apply near_list. intros x Ix. set (f := fun t => dotq x (fun i => Rabs (v t j) * V t j i)).
        apply (near_imp t (fun s => refines (f s) (f t))).
        + intros s [R1 R2]. change (0 <= f s * f t). destruct (Rtotal_order (f t) 0) as [A|[A|A]]; [specialize (R2 A); nra|rewrite A; lra|specialize (R1 A); nra].
        + apply near_refines; auto. apply (cont01_dotq x d (fun t i => Rabs (v t j) * V t j i)); auto.
          intros i Hi. apply cont01_mult; [apply cont01_abs|]; auto. }
    destruct Nr as (e & He & N). exists e. split; auto. intros s Hs L. specialize (N s Hs L). split; apply Go; auto.
  - intros _ W a M. apply (Step 0 0) with (4 := M0) (5 := M); try lra. intros j Hj. split; [apply Rle_0_sqr|intros; apply Rle_0_sqr].
Qed.
End Lifted.

(* ---- the layers of the balls ---- *)

Section Layers.
Variable m d : nat.
Variable ball : balls.
Variable RW Ra : R.
Hypothesis RW0 : 0 < RW.
Hypothesis Ra0 : 0 < Ra.
Hypothesis RWa : RW * Ra = IZR (rn ball) / IZR (rd ball).
Hypothesis some : ball <> Free.

Let N : rvec -> R := match ball with Columns _ _ | Frobenius _ _ => norm d | _ => largest d end.
Let joint : bool := match ball with Spectral _ _ | Summing _ _ => true | _ => false end.
Let sh := shared ball.
Let inside := in_layers m d ball RW Ra.
(* ||W|| <= RW *)
Let wide (W : nat -> rvec) : Prop := if joint then spectral m d W RW else under sh m (fun j => N (W j) * N (W j)) (RW * RW).

Lemma N_size : size d N.
Proof. unfold N. destruct ball; auto using norm_size, largest_size. Qed.

Lemma inside_wide : forall W a, inside W a <-> wide W /\ under sh m (fun j => a j * a j) (Ra * Ra).
Proof.
  intros W a.
  assert (Up : forall x r, 0 <= x -> x <= r -> x * x <= r * r) by (intros; nra).
  assert (Le : forall x r, 0 <= x -> 0 < r -> x * x <= r * r -> x <= r) by (intros; nra).
  assert (E : forall v, v * v = Rabs v * Rabs v) by (intros v; rewrite <- Rabs_mult, Rabs_right; nra).
  assert (Lw : (forall j, (j < m)%nat -> N (W j) <= RW) <-> forall j, (j < m)%nat -> N (W j) * N (W j) <= RW * RW).
  { split; intros H j Hj; [apply Up|apply Le]; auto; apply (s_pos d N N_size). }
  assert (La : (forall j, (j < m)%nat -> Rabs (a j) <= Ra) <-> forall j, (j < m)%nat -> a j * a j <= Ra * Ra).
  { split; intros H j Hj; [rewrite E; apply Up|apply Le]; auto; try apply Rabs_pos. rewrite <- E. auto. }
  assert (Ln : forall n f r, 0 < r -> norm n f <= r <-> sumlt n (fun j => f j * f j) <= r * r).
  { intros n f r Hr. rewrite <- norm_sqr. split; intros H; [apply Up|apply Le]; auto; apply norm_pos. }
  unfold inside, in_layers, wide, under, sh, joint, shared, N in *. destruct ball as [|p q|p q|p q|p q|p q]; try tauto;
    rewrite !Ln by auto; reflexivity.
Qed.

Lemma square_abs : forall x, x * x = Rabs x * Rabs x.
Proof. intros x. rewrite <- Rabs_mult, Rabs_right; nra. Qed.

Lemma wide_shrink : forall W W' k, wide W ->
  (forall j, (j < m)%nat -> Rabs (k j) <= 1 /\ forall i, (i < d)%nat -> W' j i = k j * W j i) -> wide W'.
Proof.
  intros W W' k H E. unfold wide in *. destruct joint.
  - apply spectral_bounded in H. apply spectral_bounded. apply (bounded_shrink m d W W' _ k RW H E).
  - apply (under_le _ _ _ _ _ H). intros j Hj. destruct (E j Hj) as [K E2]. rewrite (s_ext d N N_size _ _ E2), (s_scale d N N_size).
    replace (Rabs (k j) * N (W j) * (Rabs (k j) * N (W j))) with (Rabs (k j) * Rabs (k j) * (N (W j) * N (W j))) by ring.
    apply Rle_trans with (1 * (N (W j) * N (W j))); [|lra]. apply Rmult_le_compat_r; [apply Rle_0_sqr|]. pose proof (Rabs_pos (k j)). nra.
Qed.

Lemma inside_shrink : forall W a W' a' k, inside W a ->
  (forall j, (j < m)%nat -> 0 <= k j <= 1 /\ a' j = k j * a j /\ forall i, (i < d)%nat -> W' j i = k j * W j i) -> inside W' a'.
Proof.
  intros W a W' a' k I H. apply inside_wide in I as [I1 I2]. apply inside_wide. split.
  - apply (wide_shrink W W' k I1). intros j Hj. destruct (H j Hj) as (K & _ & E). rewrite Rabs_right by lra. split; [lra|auto].
  - apply (under_le _ _ _ _ _ I2). intros j Hj. destruct (H j Hj) as (K & E & _). rewrite E.
    replace (k j * a j * (k j * a j)) with (k j * k j * (a j * a j)) by ring. pose proof (Rle_0_sqr (a j)) as S. unfold Rsqr in S.
    assert (k j * k j <= 1) by nra. nra.
Qed.

Lemma inside_bij : forall f g W a, Bij m f g -> inside (fun j => W (f j)) (fun j => a (f j)) -> inside W a.
Proof.
  intros f g W a Bf I. apply inside_wide in I as [I1 I2]. apply inside_wide. split.
  - unfold wide in *. destruct joint; [|apply (under_bij _ m f g (fun j => N (W j) * N (W j)) _ Bf I1)].
    apply (spectral_bij m d g f _ _ (Bij_sym _ _ _ Bf)) in I1. apply spectral_bounded in I1. apply spectral_bounded.
    apply (bounded_shrink m d _ W _ (fun _ => 1) _ I1). intros j Hj. rewrite Rabs_R1. split; [lra|].
    intros i Hi. destruct (Bf j Hj) as (_ & _ & _ & FG). rewrite FG. ring.
  - apply (under_bij _ m f g (fun j => a j * a j) _ Bf I2).
Qed.

Lemma inside_mix : forall t W0 a0 W1 a1 W a, 0 <= t <= 1 -> inside W0 a0 -> inside W1 a1 ->
  (forall j, (j < m)%nat -> a j * a j = (1 - t) * (a0 j * a0 j) + t * (a1 j * a1 j) /\ forall i, (i < d)%nat ->
     Rabs (a j) * W j i = (1 - t) * (Rabs (a0 j) * W0 j i) + t * (Rabs (a1 j) * W1 j i) /\ (a j = 0 -> W j i = 0)) -> inside W a.
Proof.
  intros t W0 a0 W1 a1 W a Ht I0 I1 H. apply inside_wide in I0 as [I0 A0], I1 as [I1 A1]. apply inside_wide. split.
  2:{ apply (under_le _ _ _ _ _ (under_mix _ _ _ _ _ t Ht A0 A1)). intros j Hj. destruct (H j Hj) as [-> _]. lra. }
  unfold wide in *. destruct joint.
  - assert (B : forall V b, spectral m d V RW -> bounded m d (fun j i => Rabs (b j) * V j i) b RW).
    { intros V b S. apply spectral_bounded in S. apply (bounded_scale m d V _ _ b (fun j => Rabs (b j)) RW S); [lra|].
      intros j Hj. rewrite Rmult_1_l, Rabs_Rabsolu. split; [lra|auto]. }
    assert (M : bounded m d (fun j i => Rabs (a j) * W j i) a RW).
    { apply (bounded_mix m d t _ a0 _ a1 _ a RW Ht (B W0 a0 I0) (B W1 a1 I1)). intros j Hj. destruct (H j Hj) as [E1 E2]. split; auto.
      intros i Hi. apply E2; auto. }
    apply spectral_bounded. apply (bounded_scale m d _ a W _ (fun j => if Req_EM_T (a j) 0 then 0 else / Rabs (a j)) RW M); [lra|].
    intros j Hj. destruct (H j Hj) as [_ E2]. destruct (Req_EM_T (a j) 0) as [Z|Nz]; rewrite Rabs_R1.
    + rewrite Rmult_0_r, Rabs_R0. split; [lra|]. intros i Hi. rewrite (proj2 (E2 i Hi) Z). ring.
    + apply Rabs_pos_lt in Nz. rewrite Rabs_mult, (Rabs_right (/ Rabs (a j))) by (left; apply Rinv_0_lt_compat; auto).
      rewrite Rinv_r by lra. split; [lra|]. intros i Hi. field. lra.
  - apply (under_le _ _ _ _ _ (under_mix _ _ _ _ _ t Ht I0 I1)). intros j Hj. destruct (H j Hj) as [E1 E2].
    pose proof (s_pos d N N_size (W j)) as P. pose proof (s_pos d N N_size (W0 j)) as P0. pose proof (s_pos d N N_size (W1 j)) as P1.
    set (n := N (W j)) in *. set (x := N (W0 j)) in *. set (y := N (W1 j)) in *.
    destruct (Req_dec (a j) 0) as [Z|Nz].
    + assert (n = 0).
      { unfold n. rewrite (s_ext d N N_size (W j) (fun i => 0 * W j i)), (s_scale d N N_size), Rabs_R0; [ring|].
        intros i Hi. rewrite (proj2 (E2 i Hi) Z). ring. }
      rewrite H0. assert (0 <= (1 - t) * (x * x)) by (apply Rmult_le_pos; nra). assert (0 <= t * (y * y)) by (apply Rmult_le_pos; nra). lra.
    + rewrite (square_abs (a j)), (square_abs (a0 j)), (square_abs (a1 j)) in E1. apply Rabs_pos_lt in Nz. pose proof (Rabs_pos (a0 j)) as Q0. pose proof (Rabs_pos (a1 j)) as Q1.
      assert (L : Rabs (a j) * n <= (1 - t) * (Rabs (a0 j) * x) + t * (Rabs (a1 j) * y)).
      { unfold n, x, y. rewrite <- (Rabs_Rabsolu (a j)), <- (s_scale d N N_size).
        rewrite (s_ext d N N_size _ (fun i => (1 - t) * Rabs (a0 j) * W0 j i + t * Rabs (a1 j) * W1 j i)).
        - eapply Rle_trans; [apply (s_add d N N_size (fun i => (1 - t) * Rabs (a0 j) * W0 j i) (fun i => t * Rabs (a1 j) * W1 j i))|].
          rewrite !(s_scale d N N_size), !Rabs_mult, !Rabs_Rabsolu, (Rabs_right (1 - t)), (Rabs_right t) by lra. lra.
        - intros i Hi. rewrite (proj1 (E2 i Hi)). ring. }
      set (p := Rabs (a j)) in *. set (p0 := Rabs (a0 j)) in *. set (p1 := Rabs (a1 j)) in *.
      (* (p n)^2 <= ((1 - t) p0^2 + t p1^2) ((1 - t) x^2 + t y^2) *)
      assert (Pn : 0 <= p * n) by (apply Rmult_le_pos; lra).
      apply Rmult_le_reg_l with (p * p); [nra|]. rewrite E1 at 2.
      replace (p * p * (n * n)) with ((p * n) * (p * n)) by ring.
      apply Rle_trans with (((1 - t) * (p0 * x) + t * (p1 * y)) * ((1 - t) * (p0 * x) + t * (p1 * y))); [apply Rmult_le_compat; auto|].
      assert (D : ((1 - t) * (p0 * p0) + t * (p1 * p1)) * ((1 - t) * (x * x) + t * (y * y)) -
        ((1 - t) * (p0 * x) + t * (p1 * y)) * ((1 - t) * (p0 * x) + t * (p1 * y)) = t * (1 - t) * ((p0 * y - p1 * x) * (p0 * y - p1 * x))) by ring.
      assert (0 <= t * (1 - t) * ((p0 * y - p1 * x) * (p0 * y - p1 * x))) by (apply Rmult_le_pos; [nra|apply Rle_0_sqr]). lra.
Qed.

(* ---- what the layers have is in the ball ---- *)

Lemma ball_under : forall W a, joint = false -> in_ball m d ball W a -> under sh m (fun j => Rabs (a j) * N (W j)) (RW * Ra).
Proof.
  intros W a J H. rewrite RWa. unfold in_ball, under, sh, shared, N, rn, rd, joint in *. destruct ball as [|p q|p q|p q|p q|p q]; try discriminate; [tauto| | |].
  - intros j Hj. rewrite <- (s_scale d _ (largest_size d)).
    assert (R0 : 0 <= IZR p / IZR q) by (pose proof (Rmult_lt_0_compat _ _ RW0 Ra0); simpl in RWa; lra).
    specialize (H j). clear -H Hj R0. induction d as [|k IH]; simpl; auto. apply Rmax_lub; auto.
  - intros j Hj. rewrite <- norm_scale. auto.
  - rewrite (sumlt_ext m _ (fun j => norm d (fun i => a j * W j i))); auto. intros j Hj. rewrite norm_scale. auto.
Qed.

Lemma under_ball : forall W a, joint = false -> under sh m (fun j => Rabs (a j) * N (W j)) (RW * Ra) -> in_ball m d ball W a.
Proof.
  intros W a J H. rewrite RWa in H. unfold in_ball, under, sh, shared, N, rn, rd, joint in *. destruct ball as [|p q|p q|p q|p q|p q]; try discriminate; auto.
  - intros j i Hj Hi. specialize (H j Hj). rewrite <- (s_scale d _ (largest_size d)) in H.
    eapply Rle_trans; [|exact H]. apply (s_entry d _ (largest_size d) (fun i => a j * W j i)); auto.
  - intros j Hj. rewrite norm_scale. auto.
  - rewrite (sumlt_ext m _ (fun j => Rabs (a j) * norm d (W j))); auto. intros j Hj. apply norm_scale.
Qed.

(* the shares b of the radius that neurons have where it is about the spectral norm *)
Lemma joint_ball : forall W a, joint = true -> in_ball m d ball W a <->
  exists b, under sh m (fun j => b j * b j) 1 /\ bounded m d (fun j i => a j * W j i) b (RW * Ra).
Proof.
  intros W a J. assert (P : 0 < RW * Ra) by (apply Rmult_lt_0_compat; auto). rewrite RWa in P.
  unfold joint, sh, shared, under, in_ball, rn, rd in *. destruct ball as [|p q|p q|p q|p q|p q]; try discriminate; rewrite RWa.
  - split.
    + intros S. exists (fun _ => 1). split; [intros; lra|]. apply spectral_bounded. auto.
    + intros (b & H & B). apply spectral_bounded. apply (bounded_scale m d _ b _ _ (fun _ => 1) _ B); [lra|].
      intros j Hj. rewrite Rmult_1_r, Rabs_R1. split; [|intros; ring]. specialize (H j Hj). rewrite (square_abs (b j)) in H. pose proof (Rabs_pos (b j)). nra.
  - rewrite summing_bounded. split.
    + intros (b & H & B & _). exists b. split; auto. rewrite <- norm_sqr. pose proof (norm_pos m b). nra.
    + intros (b & H & B). exists b. split; [|split; [auto|left; lra]]. apply norm_least; lra.
Qed.

Lemma layers_in_ball : forall W a, inside W a -> in_ball m d ball W a.
Proof.
  intros W a H. apply inside_wide in H as [HW Ha]. unfold wide in HW. destruct joint eqn:J.
  - apply joint_ball; auto. exists (fun j => / Ra * a j). split.
    + apply (under_le _ _ _ (fun j => / (Ra * Ra) * (a j * a j))); [|intros; apply Req_le; field; lra].
      rewrite <- (Rinv_l (Ra * Ra)) by nra. apply under_scale; auto. left. apply Rinv_0_lt_compat. nra.
    + intros z. apply spectral_bounded in HW. specialize (HW (fun j => z j * a j)). cbv beta in HW.
      rewrite (norm_ext d _ (fun i => sumlt m (fun j => z j * a j * W j i))) by (intros; apply sumlt_ext; intros; ring).
      eapply Rle_trans; [exact HW|]. rewrite (norm_ext m (fun j => 1 * (z j * a j)) (fun j => Ra * (/ Ra * a j * z j))) by (intros; field; lra).
      rewrite norm_scale, Rabs_right by lra. lra.
  - apply under_ball; auto.
    (* |a| N <= (Ra / RW) N N / 2 + (RW / Ra) a a / 2 *)
    assert (Q : under sh m (fun j => (1 - / 2) * (Ra / RW * (N (W j) * N (W j))) + / 2 * (RW / Ra * (a j * a j))) (RW * Ra)).
    { apply under_mix; [lra| |].
      - replace (RW * Ra) with (Ra / RW * (RW * RW)) by (field; lra). apply under_scale; auto. left. apply Rdiv_lt_0_compat; auto.
      - replace (RW * Ra) with (RW / Ra * (Ra * Ra)) by (field; lra). apply under_scale; auto. left. apply Rdiv_lt_0_compat; auto. }
    apply (under_le _ _ _ _ _ Q). intros j Hj. rewrite (square_abs (a j)). set (x := Rabs (a j)). set (n := N (W j)).
    assert (K : (1 - / 2) * (Ra / RW * (n * n)) + / 2 * (RW / Ra * (x * x)) - x * n = (RW * x - Ra * n) * (RW * x - Ra * n) / (2 * (RW * Ra))) by (field; lra).
    assert (0 <= (RW * x - Ra * n) * (RW * x - Ra * n) / (2 * (RW * Ra))); [|lra].
    apply Rmult_le_pos; [apply Rle_0_sqr|left; apply Rinv_0_lt_compat, Rmult_lt_0_compat; [lra|apply Rmult_lt_0_compat; auto]].
Qed.

(* ---- a network of the ball in the layers: neuron j becomes k_j w_j, a_j / k_j ---- *)

(* the size that |a_j| takes; of spectral norms b_j Ra, else |a_j|^2 = (Ra / RW) |a_j w_j| *)
Lemma rescaled : forall W a (e : nat -> R), (forall j, 0 <= e j) ->
  (forall j, (j < m)%nat -> a j <> 0 -> e j = 0 -> forall i, (i < d)%nat -> W j i = 0) ->
  let a' := fun j => if Req_EM_T (a j) 0 then 0 else a j * / Rabs (a j) * e j in
  let W' := fun j i => if Req_EM_T (e j) 0 then 0 else Rabs (a j) * / e j * W j i in
  (forall j, (j < m)%nat -> alike d (a j) (W j) (a' j) (W' j)) /\ forall j, a' j * a' j <= e j * e j.
Proof.
  intros W a e E0 EW a' W'. split.
  - intros j Hj. unfold alike, a', W'. specialize (E0 j). specialize (EW j Hj). destruct (Req_EM_T (a j) 0) as [Z|Nz].
    + rewrite Z, Rmult_0_l, Rabs_R0. split; [lra|]. intros; ring.
    + apply Rabs_pos_lt in Nz as P. split.
      * replace (a j * (a j * / Rabs (a j) * e j)) with (Rabs (a j) * Rabs (a j) * / Rabs (a j) * e j) by (rewrite <- (square_abs (a j)); ring).
        rewrite Rmult_assoc. apply Rmult_le_pos; [nra|]. apply Rmult_le_pos; auto. left. apply Rinv_0_lt_compat; auto.
      * intros i Hi. destruct (Req_EM_T (e j) 0) as [Ze|Ne]; [rewrite (EW Nz Ze i Hi); ring|].
        rewrite !Rabs_mult, (Rabs_right (/ Rabs (a j))) by (left; apply Rinv_0_lt_compat; auto). rewrite Rinv_r, (Rabs_right (e j)) by lra. field. lra.
  - intros j. unfold a'. destruct (Req_EM_T (a j) 0) as [Z|Nz]; [specialize (E0 j); nra|]. apply Rabs_pos_lt in Nz.
    replace (a j * / Rabs (a j) * e j * (a j * / Rabs (a j) * e j)) with (a j * a j * / Rabs (a j) * / Rabs (a j) * (e j * e j)) by ring.
    rewrite (square_abs (a j)). apply Req_le. field. lra.
Qed.

Lemma lift : forall W a, in_ball m d ball W a -> exists W' a', inside W' a' /\ forall j, (j < m)%nat -> alike d (a j) (W j) (a' j) (W' j).
Proof.
  intros W a H. assert (P : 0 < RW * Ra) by (apply Rmult_lt_0_compat; auto).
  destruct (Bool.bool_dec joint true) as [J|J]; [|apply Bool.not_true_is_false in J].
  - apply joint_ball in H as (b & Hb & B); auto. set (e := fun j => Rabs (b j) * Ra).
    assert (E0 : forall j, 0 <= e j) by (intros j; apply Rmult_le_pos; [apply Rabs_pos|lra]).
    assert (Eb : forall j, e j = 0 -> b j = 0).
    { intros j Z. unfold e in Z. destruct (Req_dec (b j) 0) as [|Nz]; auto. apply Rabs_pos_lt in Nz. nra. }
    destruct (bounded_columns m d _ b _ (Rlt_le _ _ P) B) as (V & _ & EV).
    destruct (rescaled W a e E0) as [Al Sq].
    { intros j Hj Nz Z i Hi. specialize (EV j i Hj Hi). rewrite (Eb j Z), Rmult_0_l in EV. apply Rmult_integral in EV as [?|?]; auto. contradiction. }
    eexists _, _. split; [|exact Al]. apply inside_wide. split.
    + unfold wide. rewrite J.
      assert (S : bounded m d (fun j i => if Req_EM_T (e j) 0 then 0 else Rabs (a j) * / e j * W j i) (fun _ => / Ra) (RW * Ra)).
      { apply (bounded_scale m d _ b _ _ (fun j => if Req_EM_T (e j) 0 then 0 else (if Rle_dec 0 (a j) then 1 else -1) * / e j) _ B); [lra|].
        intros j Hj. assert (Ri : 0 < / Ra) by (apply Rinv_0_lt_compat; auto). specialize (E0 j).
        destruct (Req_EM_T (e j) 0) as [Z|Nz]; [rewrite Rmult_0_r, Rabs_R0; split; [apply Rabs_pos|intros; ring]|].
        assert (Pe : 0 < e j) by lra. split.
        - rewrite !Rabs_mult, (Rabs_right (/ Ra)), (Rabs_right (/ e j)) by (left; try apply Rinv_0_lt_compat; auto).
          apply Req_le. unfold e. assert (Rabs (b j) <> 0) by (intros Zb; apply Nz; unfold e; rewrite Zb; ring).
          destruct (Rle_dec 0 (a j)); [rewrite Rabs_R1|rewrite (Rabs_left (-1)) by lra]; field; lra.
        - intros i Hi. destruct (Rle_dec 0 (a j)); [rewrite Rabs_right by lra|rewrite Rabs_left by lra]; ring. }
      intros z. specialize (S z). cbv beta in S. rewrite norm_scale, Rabs_right in S by (left; apply Rinv_0_lt_compat; auto).
      replace (RW * Ra * (/ Ra * norm m z)) with (RW * norm m z) in S by (field; lra). exact S.
    + apply (under_le _ _ _ (fun j => Ra * Ra * (b j * b j))).
      * pose proof (under_scale sh m _ 1 (Ra * Ra) (Rle_0_sqr Ra) Hb) as G. rewrite Rmult_1_r in G. exact G.
      * intros j Hj. eapply Rle_trans; [apply Sq|]. unfold e. rewrite (square_abs (b j)). lra.
  - pose proof (ball_under W a J H) as B. set (lam := Ra / RW). assert (L : 0 < lam) by (apply Rdiv_lt_0_compat; auto).
    pose proof (fun j => s_pos d N N_size (W j)) as Pn. set (x := fun j => Rabs (a j) * N (W j)) in *.
    assert (Px : forall j, 0 <= x j) by (intros j; apply Rmult_le_pos; [apply Rabs_pos|apply Pn]).
    set (e := fun j => sqrt (lam * x j)). assert (E0 : forall j, 0 <= e j) by (intros; apply sqrt_pos).
    assert (Ee : forall j, e j * e j = lam * x j) by (intros j; apply sqrt_sqrt; apply Rmult_le_pos; [lra|apply Px]).
    destruct (rescaled W a e E0) as [Al Sq].
    { intros j Hj Nz Z i Hi. specialize (Ee j). rewrite Z in Ee. assert (Zx : x j = 0) by nra. unfold x in Zx. apply Rabs_pos_lt in Nz.
      assert (Zn : N (W j) = 0) by nra. pose proof (s_entry d N N_size (W j) i Hi) as Le. rewrite Zn in Le. pose proof (Rabs_pos (W j i)).
      destruct (Req_dec (W j i) 0) as [|K]; auto. apply Rabs_pos_lt in K. lra. }
    eexists _, _. split; [|exact Al]. apply inside_wide. split.
    + unfold wide. rewrite J. apply (under_le _ _ _ (fun j => / lam * x j)).
      * replace (RW * RW) with (/ lam * (RW * Ra)) by (unfold lam; field; lra). apply under_scale; auto. left. apply Rinv_0_lt_compat; auto.
      * intros j Hj. specialize (Ee j). specialize (Px j). specialize (E0 j). specialize (Pn j). destruct (Req_EM_T (e j) 0) as [Z|Nz].
        -- rewrite (s_ext d N N_size _ (fun i => 0 * W j i)), (s_scale d N N_size), Rabs_R0 by (intros; ring).
           rewrite !Rmult_0_l. apply Rmult_le_pos; auto. left. apply Rinv_0_lt_compat; auto.
        -- rewrite (s_scale d N N_size), Rabs_mult, Rabs_Rabsolu, (Rabs_right (/ e j)) by (left; apply Rinv_0_lt_compat; lra).
           replace (Rabs (a j) * / e j * N (W j) * (Rabs (a j) * / e j * N (W j))) with (x j * x j * / (e j * e j)) by (unfold x; field; auto).
           rewrite Ee. destruct (Req_dec (x j) 0) as [Zx|Nx]; [rewrite Zx; lra|]. apply Req_le. field. lra.
    + apply (under_le _ _ _ (fun j => lam * x j)).
      * replace (Ra * Ra) with (lam * (RW * Ra)) by (unfold lam; field; lra). apply under_scale; auto. lra.
      * intros j Hj. rewrite <- Ee. apply Sq.
Qed.

Lemma inside_eq : forall W a W' a', eqnet m d W a W' a' -> inside W a -> inside W' a'.
Proof. exact (inside_same m d inside inside_shrink). Qed.

Variable XQ : list (list Q).
Variable yQ : list Q.
Variable c : R.
Hypothesis Len : forall x, In x XQ -> (length x <= d)%nat.
Let good W a := inside W a /\ lossq XQ yQ m W a <= c.

Lemma lift_good : forall W a, in_ball m d ball W a -> lossq XQ yQ m W a <= c -> exists W' a', good W' a'.
Proof. exact (lifted_good m d XQ yQ c Len (in_ball m d ball) inside inside_shrink lift). Qed.

(* a path in the ball between two networks of the layers becomes one in the layers *)
Lemma layers_path : forall V v, is_path m d V v ->
  (forall t, 0 <= t <= 1 -> in_ball m d ball (V t) (v t) /\ lossq XQ yQ m (V t) (v t) <= c) ->
  inside (V 0) (v 0) -> inside (V 1) (v 1) -> joins m d good (V 0) (v 0) (V 1) (v 1).
Proof. exact (lifted_path m d XQ yQ c Len (in_ball m d ball) inside inside_shrink inside_mix lift). Qed.
End Layers.

Lemma not_free : forall ball RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) -> ball <> Free.
Proof. intros ball RW Ra H1 H2 E ->. simpl in E. pose proof (Rmult_lt_0_compat _ _ H1 H2). lra. Qed.

Lemma lengths : forall d (XQ : list (list Q)), forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall x, In x XQ -> (length x <= d)%nat.
Proof. intros d XQ H x Ix. rewrite forallb_forall in H. apply Nat.leb_le. auto. Qed.

Theorem least_in_layers : forall XQ yQ m d ball lower upper,
  least_within XQ yQ m d ball lower upper -> forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  least_layers XQ yQ m d ball RW Ra lower upper.
Proof.
  intros XQ yQ m d ball lower upper [Lo (W & a & B & Up)] HL RW Ra RW0 Ra0 E.
  pose proof (not_free ball RW Ra RW0 Ra0 E) as some. split.
  - intros V v I. apply Lo. apply (layers_in_ball m d ball RW Ra RW0 Ra0 E some). auto.
  - destruct (lift_good m d ball RW Ra RW0 Ra0 E some XQ yQ upper (lengths d XQ HL) W a B Up) as (V & v & G).
    exists V, v. exact G.
Qed.

(* a path in the ball is one in the layers, if its ends are there *)
Lemma path_in_layers : forall XQ yQ m d lab ball A B c, forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  in_layers m d ball RW Ra (W_of A) (a_of A) -> in_layers m d ball RW Ra (W_of B) (a_of B) ->
  (exists W a, connects m d lab ball A B W a /\ forall t, 0 <= t <= 1 -> lossq XQ yQ m (W t) (a t) <= c) ->
  exists W a, connects_layers m d ball RW Ra lab A B W a /\ forall t, 0 <= t <= 1 -> lossq XQ yQ m (W t) (a t) <= c.
Proof.
  intros XQ yQ m d lab ball A B c HL RW Ra RW0 Ra0 E IA IB (V & v & (P & G & HA & s & (Sf & Si & Sl) & HB) & Up).
  pose proof (not_free ball RW Ra RW0 Ra0 E) as some. pose proof (lengths d XQ HL) as Len.
  destruct (inj_Bij m s Sf Si) as (r & Br).
  destruct (layers_path m d ball RW Ra RW0 Ra0 E some XQ yQ c Len V v P) as (U & e & PU & U0 & U1 & GU).
  - intros t Ht. split; auto.
  - apply (inside_eq m d ball RW Ra RW0 Ra0 E some (W_of A) (a_of A)); auto.
    intros j Hj. destruct (HA j Hj) as [H1 H2]. split; [symmetry; exact H1|]. intros i Hi. symmetry. apply H2; auto.
  - apply (inside_bij m d ball RW Ra RW0 Ra0 E some s r (V 1) (v 1) Br).
    apply (inside_eq m d ball RW Ra RW0 Ra0 E some (W_of B) (a_of B)); auto.
    intros j Hj. destruct (HB j Hj) as [H1 H2]. split; [symmetry; exact H1|]. intros i Hi. symmetry. apply H2; auto.
  - exists U, e. split; [|intros t Ht; apply GU; auto]. split; auto. split; [intros t Ht; apply GU; auto|]. split.
    + intros j Hj. destruct (U0 j Hj) as [H1 H2]. destruct (HA j Hj) as [H3 H4]. split; [congruence|].
      intros i Hi. rewrite H2, H4; auto.
    + exists s. split; [split; auto|]. intros j Hj. destruct (U1 (s j) (Sf j Hj)) as [H1 H2]. destruct (HB j Hj) as [H3 H4].
      split; [congruence|]. intros i Hi. rewrite H2, H4; auto.
Qed.

Theorem barrier_in_layers : forall XQ yQ m d lab ball A B lower upper,
  barrier_withinq XQ yQ m d lab ball A B lower upper -> forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  in_layers m d ball RW Ra (W_of A) (a_of A) -> in_layers m d ball RW Ra (W_of B) (a_of B) ->
  barrier_layers XQ yQ m d ball RW Ra lab A B lower upper.
Proof.
  intros XQ yQ m d lab ball A B lower upper [Lo Up] HL RW Ra RW0 Ra0 E IA IB.
  split; [|apply path_in_layers; auto]. intros W a (PW & GW & Ends). apply Lo. split; auto. split; auto. intros t Ht.
  apply (layers_in_ball m d ball RW Ra RW0 Ra0 E (not_free ball RW Ra RW0 Ra0 E)). auto.
Qed.

Theorem components_in_layers : forall XQ yQ m d ball lab b reps,
  are_components XQ yQ m d ball lab b reps -> forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  (forall A, In A reps -> in_layers m d ball RW Ra (W_of A) (a_of A)) ->
  components_layers XQ yQ m d ball RW Ra lab b reps.
Proof.
  intros XQ yQ m d ball lab b reps (C1 & C2 & C3) HL RW Ra RW0 Ra0 E IR.
  pose proof (not_free ball RW Ra RW0 Ra0 E) as some. pose proof (lengths d XQ HL) as Len.
  pose proof (layers_in_ball m d ball RW Ra RW0 Ra0 E some) as In_ball.
  pose proof (inside_eq m d ball RW Ra RW0 Ra0 E some) as Eq. split; [|split].
  - intros A IA. split; auto. apply C1; auto.
  - intros W a I L. destruct (C2 W a (In_ball W a I) L) as (A & IA & f & g & V & v & B & Il & P & V0 & V1 & G).
    exists A. split; auto.
    destruct (layers_path m d ball RW Ra RW0 Ra0 E some XQ yQ b Len V v P G) as (U & e & PU & U0 & U1 & GU).
    + apply (Eq (fun j => W (g j)) (fun j => a (g j))).
      * intros j Hj. destruct (V0 j Hj) as [H1 H2]. split; [auto|]. intros i Hi. symmetry. auto.
      * apply (inside_bij m d ball RW Ra RW0 Ra0 E some f g _ _ B). apply (Eq W a); auto.
        intros j Hj. destruct (B j Hj) as (_ & _ & GF & _). rewrite GF. auto.
    + apply (Eq (W_of A) (a_of A)); auto. intros j Hj. destruct (V1 j Hj) as [H1 H2]. split; [auto|]. intros i Hi. symmetry. auto.
    + exists f, g, U, e. split; auto. split; auto. split; auto. split; [|split; auto].
      * intros j Hj. destruct (U0 j Hj) as [H1 H2]. destruct (V0 j Hj) as [H3 H4]. split; [congruence|]. intros i Hi. rewrite H2, H4; auto.
      * intros j Hj. destruct (U1 j Hj) as [H1 H2]. destruct (V1 j Hj) as [H3 H4]. split; [congruence|]. intros i Hi. rewrite H2, H4; auto.
  - intros i j Hi Hj N (f & g & V & v & B & Il & P & V0 & V1 & G). apply (C3 i j Hi Hj N).
    exists f, g, V, v. repeat (split; [assumption|]). intros t Ht. destruct (G t Ht). split; auto.
Qed.

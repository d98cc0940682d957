(* Balls: they are convex in the vectors a_j w_j, do not know the order of neurons, and hold what is smaller. *)
Require Import Reals List ZArith Lra Lia Psatz.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm.
Import ListNotations.
Open Scope R_scope.

Lemma sumlt_first : forall m f, sumlt (S m) f = f O + sumlt m (fun i => f (S i)).
Proof. induction m as [|m IH]; intros f; [simpl; ring|]. change (sumlt (S m) f + f (S m) = f O + (sumlt m (fun i => f (S i)) + f (S m))). rewrite IH. ring. Qed.

Lemma sumlt_le : forall m f g, (forall i, (i < m)%nat -> f i <= g i) -> sumlt m f <= sumlt m g.
Proof.
  induction m as [|m IH]; intros f g H; simpl; [lra|].
  specialize (IH f g (fun i Hi => H i (Nat.lt_lt_succ_r _ _ Hi))). specialize (H m (Nat.lt_succ_diag_r m)). lra.
Qed.

Lemma sumlt_squares : forall m u, 0 <= sumlt m (fun i => u i * u i).
Proof. induction m as [|m IH]; intros u; simpl; [lra|]. specialize (IH u). nra. Qed.

Lemma cauchy_schwarz : forall m u v,
  sumlt m (fun i => u i * v i) * sumlt m (fun i => u i * v i) <=
  sumlt m (fun i => u i * u i) * sumlt m (fun i => v i * v i).
Proof.
  induction m as [|m IH]; intros u v; simpl; [lra|]. specialize (IH u v).
  pose proof (sumlt_squares m u) as HU. pose proof (sumlt_squares m v) as HV.
  set (D := sumlt m (fun i => u i * v i)) in *. set (U := sumlt m (fun i => u i * u i)) in *.
  set (V := sumlt m (fun i => v i * v i)) in *. set (a := u m). set (b := v m).
  assert (K : 2 * (a * b) * D <= a * a * V + U * (b * b)); [|nra].
  destruct (Req_dec V 0) as [E|N].
  - rewrite E in *. assert (D = 0) by nra. nra.
  - apply Rmult_le_reg_r with V; [lra|]. pose proof (Rle_0_sqr (a * V - b * D)) as S. unfold Rsqr in S.
    assert (b * b * (D * D) <= b * b * (U * V)) by (apply Rmult_le_compat_l; [nra|auto]). nra.
Qed.

Lemma norm_pos : forall d u, 0 <= norm d u.
Proof. intros. apply sqrt_pos. Qed.

Lemma norm_sqr : forall d u, norm d u * norm d u = sumlt d (fun i => u i * u i).
Proof. intros. apply sqrt_sqrt, sumlt_squares. Qed.

Lemma norm_least : forall d u r, 0 <= r -> sumlt d (fun i => u i * u i) <= r * r -> norm d u <= r.
Proof. intros d u r Hr H. unfold norm. rewrite <- (sqrt_square r Hr). apply sqrt_le_1_alt; auto. Qed.

Lemma norm_le : forall d u v, (forall i, (i < d)%nat -> Rabs (u i) <= Rabs (v i)) -> norm d u <= norm d v.
Proof.
  intros d u v H. unfold norm. apply sqrt_le_1_alt, sumlt_le. intros i Hi.
  apply (Rsqr_le_abs_1 (u i) (v i)); auto.
Qed.

Lemma entry_norm : forall d u i, (i < d)%nat -> Rabs (u i) <= norm d u.
Proof.
  intros d u i Hi. apply Rsqr_incr_0_var; [|apply norm_pos]. rewrite <- Rsqr_abs. unfold Rsqr. rewrite norm_sqr.
  revert i Hi. induction d as [|d IH]; intros i Hi; [lia|]. simpl. pose proof (sumlt_squares d u).
  destruct (Nat.eq_dec i d) as [->|N]; [lra|]. specialize (IH i ltac:(lia)). nra.
Qed.

Lemma inner_le : forall d u v, sumlt d (fun i => u i * v i) <= norm d u * norm d v.
Proof.
  intros d u v. apply Rnot_lt_le. intros L. pose proof (cauchy_schwarz d u v) as C.
  rewrite <- !norm_sqr in C. pose proof (norm_pos d u). pose proof (norm_pos d v).
  assert (0 <= norm d u * norm d v) by (apply Rmult_le_pos; auto). nra.
Qed.

Lemma sumlt_mix : forall m t f g, sumlt m (fun i => (1 - t) * f i + t * g i) = (1 - t) * sumlt m f + t * sumlt m g.
Proof. induction m as [|m IH]; intros t f g; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma norm_mix : forall d t u v, 0 <= t <= 1 -> norm d (fun i => (1 - t) * u i + t * v i) <= (1 - t) * norm d u + t * norm d v.
Proof.
  intros d t u v Ht. pose proof (norm_pos d u) as Hu. pose proof (norm_pos d v) as Hv. apply norm_least; [nra|].
  assert (E : sumlt d (fun i => ((1 - t) * u i + t * v i) * ((1 - t) * u i + t * v i)) =
    (1 - t) * (1 - t) * sumlt d (fun i => u i * u i) + 2 * t * (1 - t) * sumlt d (fun i => u i * v i) + t * t * sumlt d (fun i => v i * v i)).
  { clear. induction d as [|d IH]; simpl; [ring|]. rewrite IH. ring. }
  rewrite E, <- !norm_sqr. pose proof (inner_le d u v) as I.
  assert (T : 0 <= t * (1 - t)) by nra.
  assert (t * (1 - t) * sumlt d (fun i => u i * v i) <= t * (1 - t) * (norm d u * norm d v)) by (apply Rmult_le_compat_l; auto).
  nra.
Qed.

Lemma dot_sumlt : forall r d u, (length r <= d)%nat -> dot r u = sumlt d (fun i => vec r i * u i).
Proof.
  induction r as [|a r IH]; intros d u L.
  - rewrite dot_zerob by reflexivity. clear. induction d as [|d IH]; simpl; auto. rewrite <- IH. unfold vec. destruct d; simpl; ring.
  - destruct d as [|d]; [simpl in L; lia|]. rewrite sumlt_first. simpl in L. cbn [dot]. rewrite (IH d) by lia. reflexivity.
Qed.

(* r . u <= h |u| where |r| <= h *)
Lemma dot_norm : forall r d u h, (length r <= d)%nat -> (0 <= h)%Z -> (dotZ r r <= h * h)%Z -> dot r u <= IZR h * norm d u.
Proof.
  intros r d u h L H0 H. apply IZR_le in H0, H. rewrite mult_IZR, dotZ_dot, (dot_sumlt r d) in H by auto.
  rewrite (dot_sumlt r d) by auto. eapply Rle_trans; [apply inner_le|].
  apply Rmult_le_compat_r; [apply norm_pos|]. apply norm_least; auto.
Qed.

Lemma norm_scale : forall d c u, norm d (fun i => c * u i) = Rabs c * norm d u.
Proof.
  intros d c u. unfold norm. rewrite <- (sqrt_Rsqr_abs c), <- sqrt_mult; [|apply Rle_0_sqr|apply sumlt_squares].
  f_equal. clear. induction d as [|d IH]; simpl; [ring|]. rewrite IH. unfold Rsqr. ring.
Qed.

(* ---- spectral norms ---- *)

Lemma sumlt_plus : forall m f g, sumlt m (fun i => f i + g i) = sumlt m f + sumlt m g.
Proof. induction m as [|m IH]; intros f g; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma sumlt_scale : forall m c f, sumlt m (fun j => c * f j) = c * sumlt m f.
Proof. induction m as [|m IH]; intros c f; simpl; [ring|rewrite IH; ring]. Qed.

Lemma sumlt_ext : forall m f g, (forall j, (j < m)%nat -> f j = g j) -> sumlt m f = sumlt m g.
Proof. induction m as [|m IH]; intros f g H; simpl; auto. rewrite (IH f g), H; auto. Qed.

Lemma sumlt_swap : forall m d f, sumlt m (fun j => sumlt d (f j)) = sumlt d (fun i => sumlt m (fun j => f j i)).
Proof.
  induction m as [|m IH]; intros d f; simpl.
  - induction d as [|d IHd]; simpl; [auto|]. rewrite <- IHd. ring.
  - rewrite IH, <- sumlt_plus. reflexivity.
Qed.

Lemma norm_ext : forall d u v, (forall i, (i < d)%nat -> u i = v i) -> norm d u = norm d v.
Proof. intros d u v H. unfold norm. f_equal. apply sumlt_ext. intros i Hi. rewrite H; auto. Qed.

(* of the columns U_j the j-th has the share b_j of the radius; b = 1 is a bound of the spectral norm *)
Definition bounded (m d : nat) (U : nat -> rvec) (b : nat -> R) (r : R) : Prop :=
  forall z, norm d (fun i => sumlt m (fun j => z j * U j i)) <= r * norm m (fun j => b j * z j).

Lemma spectral_bounded : forall m d U r, spectral m d U r <-> bounded m d U (fun _ => 1) r.
Proof.
  assert (E : forall m z, norm m (fun j => 1 * z j) = norm m z) by (intros; apply norm_ext; intros; ring).
  intros m d U r. unfold spectral, bounded. split; intros H z; specialize (H z); [rewrite E|rewrite E in H]; auto.
Qed.

Lemma bounded_sign : forall m d U b r, bounded m d U b r -> 0 <= r \/ forall z, norm m (fun j => b j * z j) = 0.
Proof.
  intros m d U b r H. destruct (Rle_dec 0 r) as [P|N]; [auto|right]. intros z. specialize (H z).
  pose proof (norm_pos d (fun i => sumlt m (fun j => z j * U j i))). pose proof (norm_pos m (fun j => b j * z j)). nra.
Qed.

(* columns times numbers that are no larger than what their shares grow by *)
Lemma bounded_scale : forall m d U b V c k r, bounded m d U b r -> 0 <= r ->
  (forall j, (j < m)%nat -> Rabs (b j * k j) <= Rabs (c j) /\ forall i, (i < d)%nat -> V j i = k j * U j i) -> bounded m d V c r.
Proof.
  intros m d U b V c k r H P E z. specialize (H (fun j => z j * k j)).
  rewrite (norm_ext d _ (fun i => sumlt m (fun j => z j * k j * U j i))).
  - eapply Rle_trans; [exact H|]. apply Rmult_le_compat_l; auto. apply norm_le. intros j Hj. destruct (E j Hj) as [E1 _].
    rewrite Rabs_mult in *. rewrite Rabs_mult. pose proof (Rabs_pos (z j)). rewrite (Rabs_mult (c j)). nra.
  - intros i Hi. apply sumlt_ext. intros j Hj. destruct (E j Hj) as [_ E2]. rewrite E2; auto. ring.
Qed.

Lemma bounded_shrink : forall m d U V b k r, bounded m d U b r ->
  (forall j, (j < m)%nat -> Rabs (k j) <= 1 /\ forall i, (i < d)%nat -> V j i = k j * U j i) -> bounded m d V b r.
Proof.
  intros m d U V b k r H E. destruct (bounded_sign m d U b r H) as [P|Z].
  - apply (bounded_scale m d U b V b k r H P). intros j Hj. destruct (E j Hj) as [E1 E2]. split; auto.
    rewrite Rabs_mult. pose proof (Rabs_pos (b j)). nra.
  - intros z. rewrite Z, Rmult_0_r. specialize (H (fun j => z j * k j)). rewrite Z, Rmult_0_r in H.
    rewrite (norm_ext d _ (fun i => sumlt m (fun j => z j * k j * U j i))); auto.
    intros i Hi. apply sumlt_ext. intros j Hj. destruct (E j Hj) as [_ E2]. rewrite E2; auto. ring.
Qed.

Lemma bounded_mix : forall m d t U0 b0 U1 b1 U b r, 0 <= t <= 1 -> bounded m d U0 b0 r -> bounded m d U1 b1 r ->
  (forall j, (j < m)%nat -> b j * b j = (1 - t) * (b0 j * b0 j) + t * (b1 j * b1 j) /\
     forall i, (i < d)%nat -> U j i = (1 - t) * U0 j i + t * U1 j i) -> bounded m d U b r.
Proof.
  intros m d t U0 b0 U1 b1 U b r Ht H0 H1 E z.
  pose proof (bounded_sign m d U0 b0 r H0) as S0. pose proof (bounded_sign m d U1 b1 r H1) as S1. specialize (H0 z). specialize (H1 z).
  rewrite (norm_ext d _ (fun i => (1 - t) * sumlt m (fun j => z j * U0 j i) + t * sumlt m (fun j => z j * U1 j i))).
  2:{ intros i Hi. rewrite <- !sumlt_scale, <- sumlt_plus. apply sumlt_ext. intros j Hj. destruct (E j Hj) as [_ E2]. rewrite E2; auto. ring. }
  eapply Rle_trans; [apply norm_mix; auto|].
  assert (Q : norm m (fun j => b j * z j) * norm m (fun j => b j * z j) =
    (1 - t) * (norm m (fun j => b0 j * z j) * norm m (fun j => b0 j * z j)) + t * (norm m (fun j => b1 j * z j) * norm m (fun j => b1 j * z j))).
  { rewrite !norm_sqr, <- sumlt_mix. apply sumlt_ext. intros j Hj. destruct (E j Hj) as [E1 _].
    replace (b j * z j * (b j * z j)) with (b j * b j * (z j * z j)) by ring. rewrite E1. ring. }
  pose proof (norm_pos m (fun j => b j * z j)) as P. pose proof (norm_pos m (fun j => b0 j * z j)) as P0. pose proof (norm_pos m (fun j => b1 j * z j)) as P1.
  set (n := norm m (fun j => b j * z j)) in *. set (x := norm m (fun j => b0 j * z j)) in *. set (y := norm m (fun j => b1 j * z j)) in *.
  apply Rle_trans with (r * ((1 - t) * x + t * y)); [nra|].
  destruct S0 as [S0|S0].
  - apply Rmult_le_compat_l; auto. apply Rnot_lt_le. intros L.
    assert (0 <= t * (1 - t) * ((x - y) * (x - y))) by (apply Rmult_le_pos; [nra|apply Rle_0_sqr]). nra.
  - destruct S1 as [S1|S1].
    + apply Rmult_le_compat_l; auto. apply Rnot_lt_le. intros L.
      assert (0 <= t * (1 - t) * ((x - y) * (x - y))) by (apply Rmult_le_pos; [nra|apply Rle_0_sqr]). nra.
    + assert (X : x = 0) by apply S0. assert (Y : y = 0) by apply S1. rewrite X, Y in *. assert (n = 0) by nra. nra.
Qed.

(* U_j = b_j V_j for some V of spectral norm <= r *)
Lemma bounded_columns : forall m d U b r, 0 <= r -> bounded m d U b r -> exists V, spectral m d V r /\
  forall j i, (j < m)%nat -> (i < d)%nat -> U j i = b j * V j i.
Proof.
  intros m d U b r P H. set (k := fun j => if Req_EM_T (b j) 0 then 0 else / b j).
  exists (fun j i => k j * U j i). split.
  - apply spectral_bounded. apply (bounded_scale m d U b _ _ k r H P). intros j Hj. split; auto.
    unfold k. destruct (Req_EM_T (b j) 0) as [E|N]; [rewrite Rmult_0_r, Rabs_R0; apply Rabs_pos|]. rewrite Rinv_r; auto. lra.
  - intros j i Hj Hi. unfold k. destruct (Req_EM_T (b j) 0) as [E|N]; [|field; auto].
    (* the j-th unit vector *)
    specialize (H (fun j' => if Nat.eqb j' j then 1 else 0)).
    rewrite (norm_ext m _ (fun _ => 0 * 0)) in H.
    2:{ intros j' Hj'. destruct (Nat.eqb_spec j' j) as [->|]; [rewrite E|]; ring. }
    rewrite (norm_scale m 0 (fun _ => 0)), Rabs_R0, Rmult_0_l, Rmult_0_r in H.
    assert (S : sumlt m (fun j' => (if Nat.eqb j' j then 1 else 0) * U j' i) = U j i).
    { clear -Hj. induction m as [|k IH]; [lia|]. simpl. destruct (Nat.eqb_spec k j) as [->|N].
      - rewrite (sumlt_ext j _ (fun _ => 0 * 0)), sumlt_scale; [ring|]. intros j' Hj'. destruct (Nat.eqb_spec j' j); [lia|ring].
      - rewrite IH by lia. ring. }
    pose proof (entry_norm d (fun i => sumlt m (fun j' => (if Nat.eqb j' j then 1 else 0) * U j' i)) i Hi) as L.
    cbn beta in L. rewrite S in L. pose proof (Rabs_pos (U j i)). destruct (Req_dec (U j i) 0) as [->|N]; [ring|].
    apply Rabs_pos_lt in N. lra.
Qed.

Lemma columns_bounded : forall m d U b V r, spectral m d V r -> 0 <= r ->
  (forall j i, (j < m)%nat -> (i < d)%nat -> U j i = b j * V j i) -> bounded m d U b r.
Proof.
  intros m d U b V r H P E. apply spectral_bounded in H. apply (bounded_scale m d V (fun _ => 1) U b b r H P).
  intros j Hj. rewrite Rmult_1_l. split; [lra|auto].
Qed.

(* what a row l sees of the columns *)
Lemma spectral_row : forall m d V r l, spectral m d V r ->
  sumlt m (fun j => sumlt d (fun i => l i * V j i) * sumlt d (fun i => l i * V j i)) <= r * r * sumlt d (fun i => l i * l i).
Proof.
  intros m d V r l H. set (z := fun j => sumlt d (fun i => l i * V j i)). specialize (H z).
  assert (E : sumlt m (fun j => z j * z j) = sumlt d (fun i => l i * sumlt m (fun j => z j * V j i))).
  { rewrite (sumlt_ext m (fun j => z j * z j) (fun j => sumlt d (fun i => l i * (z j * V j i)))).
    - rewrite sumlt_swap. apply sumlt_ext. intros i Hi. rewrite <- sumlt_scale. reflexivity.
    - intros j Hj. unfold z at 2. rewrite <- sumlt_scale. apply sumlt_ext. intros; ring. }
  pose proof (inner_le d l (fun i => sumlt m (fun j => z j * V j i))) as C. cbn beta in C. rewrite <- E, <- norm_sqr in C.
  fold (z : nat -> R). change (sumlt m (fun j => z j * z j) <= r * r * sumlt d (fun i => l i * l i)).
  rewrite <- !norm_sqr. pose proof (norm_pos d l) as P. pose proof (norm_pos m z) as N.
  set (n := norm m z) in *. set (x := norm d l) in *. assert (n * n <= x * (r * n)) by (eapply Rle_trans; [exact C|apply Rmult_le_compat_l; auto]).
  destruct N as [N|N]; [|rewrite <- N; nra]. assert (n <= x * r) by (apply Rmult_le_reg_r with n; nra). nra.
Qed.

Section Ball.
Variable m d : nat.
Variable ball : balls.

(* of a radius that is no less than zero, or where there are no neurons *)
Lemma summing_bounded : forall W a r, (exists V b, (forall j i, (j < m)%nat -> (i < d)%nat -> a j * W j i = b j * V j i) /\
  norm m b <= 1 /\ spectral m d V r) <-> exists b, norm m b <= 1 /\ bounded m d (fun j i => a j * W j i) b r /\ (0 <= r \/ m = O).
Proof.
  intros W a r. split.
  - intros (V & b & E & N & S). exists b. split; auto. apply spectral_bounded in S as S'. destruct (bounded_sign _ _ _ _ _ S') as [P|Z].
    + split; [apply (columns_bounded m d _ b V r); auto|auto].
    + assert (m = O). { destruct m as [|k]; auto. specialize (Z (fun _ => 1)). exfalso.
        pose proof (entry_norm (Datatypes.S k) (fun _ => 1 * 1) O ltac:(lia)) as L. rewrite Z in L. rewrite Rabs_right in L; lra. }
      subst m. auto. (* without columns all bounds are one *)
  - intros (b & N & B & [P| ->]).
    + destruct (bounded_columns m d _ b r P B) as (V & S & E). exists V, b. auto.
    + exists (fun _ _ => 0), b. split; [intros; lia|]. auto.
Qed.

(* neurons become no larger, or turn their signs *)
Lemma in_ball_shrink : forall W a W' a' k, in_ball m d ball W a ->
  (forall j, (j < m)%nat -> Rabs (k j) <= 1 /\ forall i, (i < d)%nat -> a' j * W' j i = k j * (a j * W j i)) -> in_ball m d ball W' a'.
Proof.
  intros W a W' a' k B H.
  assert (L : forall j i, (j < m)%nat -> (i < d)%nat -> Rabs (a' j * W' j i) <= Rabs (a j * W j i)).
  { intros j i Hj Hi. destruct (H j Hj) as [H1 H2]. rewrite H2, Rabs_mult by auto. pose proof (Rabs_pos (a j * W j i)). nra. }
  unfold in_ball in *. destruct ball as [|p q|p q|p q|p q|p q]; auto.
  - intros j i Hj Hi. eapply Rle_trans; [apply L|]; auto.
  - intros j Hj. eapply Rle_trans; [apply norm_le; intros i Hi; apply (L j i Hj Hi)|]. auto.
  - eapply Rle_trans; [|exact B]. apply sumlt_le. intros j Hj. apply norm_le. intros i Hi. apply (L j i Hj Hi).
  - apply spectral_bounded in B. apply spectral_bounded. apply (bounded_shrink m d _ _ _ k _ B). auto.
  - destruct B as (V & b & E & N & S). exists (fun j i => k j * V j i), b. split; [|split; auto].
    + intros j i Hj Hi. destruct (H j Hj) as [_ H2]. rewrite H2, E by auto. ring.
    + apply spectral_bounded in S. apply spectral_bounded. apply (bounded_shrink m d V _ _ k _ S).
      intros j Hj. destruct (H j Hj) as [H1 _]. auto.
Qed.

Lemma in_ball_same : forall W a W' a', in_ball m d ball W a ->
  (forall j i, (j < m)%nat -> (i < d)%nat -> a' j * W' j i = a j * W j i) -> in_ball m d ball W' a'.
Proof.
  intros W a W' a' B H. apply (in_ball_shrink W a W' a' (fun _ => 1) B). intros j Hj. rewrite Rabs_R1. split; [lra|].
  intros i Hi. rewrite H; auto. ring.
Qed.

Lemma in_ball_mix : forall t W a W0 a0 W1 a1, 0 <= t <= 1 -> in_ball m d ball W0 a0 -> in_ball m d ball W1 a1 ->
  (forall j i, (j < m)%nat -> (i < d)%nat -> a j * W j i = (1 - t) * (a0 j * W0 j i) + t * (a1 j * W1 j i)) ->
  in_ball m d ball W a.
Proof.
  intros t W a W0 a0 W1 a1 Ht B0 B1 H.
  assert (N : forall j, (j < m)%nat -> norm d (fun i => a j * W j i) <=
    (1 - t) * norm d (fun i => a0 j * W0 j i) + t * norm d (fun i => a1 j * W1 j i)).
  { intros j Hj. eapply Rle_trans; [|apply norm_mix; auto]. apply norm_le. intros i Hi. rewrite H; auto. lra. }
  unfold in_ball in *. destruct ball as [|p q|p q|p q|p q|p q]; auto.
  - intros j i Hj Hi. rewrite H by auto. eapply Rle_trans; [apply Rabs_triang|].
    specialize (B0 j i Hj Hi). specialize (B1 j i Hj Hi). rewrite (Rabs_mult (1 - t)), (Rabs_mult t).
    rewrite (Rabs_right (1 - t)), (Rabs_right t) by lra. nra.
  - intros j Hj. eapply Rle_trans; [apply N; auto|]. specialize (B0 j Hj). specialize (B1 j Hj). nra.
  - eapply Rle_trans; [apply sumlt_le; intros j Hj; apply N; auto|]. rewrite sumlt_mix. nra.
  - apply spectral_bounded in B0, B1. apply spectral_bounded. apply (bounded_mix m d t _ _ _ _ _ _ _ Ht B0 B1).
    intros j Hj. split; [ring|auto].
  - apply summing_bounded in B0 as (b0 & N0 & B0 & S), B1 as (b1 & N1 & B1 & _). apply summing_bounded.
    set (al := fun j => (1 - t) * (b0 j * b0 j) + t * (b1 j * b1 j)).
    assert (Al : forall j, sqrt (al j) * sqrt (al j) = al j).
    { intros j. apply sqrt_sqrt. unfold al. pose proof (Rle_0_sqr (b0 j)) as Q0. pose proof (Rle_0_sqr (b1 j)) as Q1. unfold Rsqr in *. nra. }
    exists (fun j => sqrt (al j)). split; [|split; auto].
    + apply norm_least; [lra|]. rewrite (sumlt_ext m _ al) by auto. unfold al. rewrite sumlt_mix, <- !norm_sqr.
      pose proof (norm_pos m b0). pose proof (norm_pos m b1).
      assert (norm m b0 * norm m b0 <= 1) by nra. assert (norm m b1 * norm m b1 <= 1) by nra. nra.
    + apply (bounded_mix m d t _ b0 _ b1 _ _ _ Ht B0 B1). intros j Hj. split; [apply Al|auto].
Qed.

Lemma spectral_bij : forall f g W r, Bij m f g -> spectral m d W r -> spectral m d (fun j => W (f j)) r.
Proof.
  intros f g W r B H z. specialize (H (fun j => z (g j))).
  assert (E : forall h : nat -> nat -> R, (forall j, (j < m)%nat -> h j (f j) = h (g (f j)) (f j)) ->
    sumlt m (fun j => h j (f j)) = sumlt m (fun j => h (g j) j)).
  { intros h Hh. rewrite <- (sumlt_bij m f g (fun j => h (g j) j) B). apply sumlt_ext. auto. }
  assert (G : forall j, (j < m)%nat -> g (f j) = j) by (intros j Hj; apply (B j Hj)).
  rewrite (norm_ext d _ (fun i => sumlt m (fun j => z (g j) * W j i))).
  - eapply Rle_trans; [exact H|]. apply Req_le. f_equal. unfold norm. f_equal.
    symmetry. apply (E (fun j _ => z j * z j)). intros j Hj. rewrite G; auto.
  - intros i Hi. apply (E (fun j k => z j * W k i)). intros j Hj. rewrite G; auto.
Qed.

Lemma in_ball_bij : forall f g W a, Bij m f g -> in_ball m d ball W a -> in_ball m d ball (fun j => W (f j)) (fun j => a (f j)).
Proof.
  intros f g W a B H. unfold in_ball in *. destruct ball as [|p q|p q|p q|p q|p q]; auto.
  - intros j i Hj Hi. apply H; auto. apply B; auto.
  - intros j Hj. apply (H (f j)). apply B; auto.
  - rewrite (sumlt_bij m f g (fun j => norm d (fun i => a j * W j i)) B). exact H.
  - apply (spectral_bij f g (fun j i => a j * W j i) _ B H).
  - destruct H as (V & b & E & N & S). exists (fun j => V (f j)), (fun j => b (f j)). split; [|split].
    + intros j i Hj Hi. apply E; auto. apply B; auto.
    + unfold norm in *. rewrite (sumlt_bij m f g (fun j => b j * b j) B). exact N.
    + apply (spectral_bij f g V _ B S).
Qed.
End Ball.

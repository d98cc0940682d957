(* A path in a ball from a list of points, straight in u = |a| w between two of them: networks of many neurons, in
   integers. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Ball Isthmus.Check Isthmus.Path Isthmus.Exact Isthmus.Rational
  Isthmus.Connect Isthmus.Statements Isthmus.Layers.
Import ListNotations.
Open Scope R_scope.

(* a path in the ball from A to B, neurons in their order, of loss <= b *)
Definition is_joined XQ yQ m d ball (A B : endpoint) (b : R) : Prop :=
  exists W a, connects m d true ball A B W a /\ forall t, 0 <= t <= 1 -> lossq XQ yQ m (W t) (a t) <= b.

Definition joined_layers XQ yQ m d ball RW Ra (A B : endpoint) (b : R) : Prop :=
  exists W a, connects_layers m d ball RW Ra true A B W a /\ forall t, 0 <= t <= 1 -> lossq XQ yQ m (W t) (a t) <= b.

(* ---- the checker ---- *)

(* D, and for each neuron whether a > 0, and D |a| w *)
Notation unit_neuron := (bool * list Z)%type.
Notation point := (Z * list unit_neuron)%type.

(* that of a network, if D is a denominator of all |a| w; what it makes is checked *)
Definition point_of (D : Z) (A : endpoint) : point := (D, map (fun n =>
  (Qle_bool 0 (snd n),
   map (fun v => (Qnum (absQ (snd n)) * Qnum v * D / (Zpos (Qden (snd n)) * Zpos (Qden v)))%Z) (fst n))) A).

Definition is_point (A : endpoint) (p : point) : bool := all2 (fun (n : list Q * Q) (v : unit_neuron) =>
  Qle_bool 0 (if fst v then snd n else - snd n) && all2 (fun w z => scaled1 (fst p) (absQ (snd n) * w) z) (fst n) (snd v)) A (snd p).

(* x . u for each neuron and each row x *)
Definition outputs (X : list row) (p : point) : list (list Z) := map (fun v => map (fun x => dotZ x (snd v)) X) (snd p).

Definition signed_relu (s : bool) (z : Z) : Z := if Z.ltb z 0 then 0%Z else if s then z else (- z)%Z.
Fixpoint add_output (s : bool) (o f : list Z) : list Z :=
  match o, f with z :: o, v :: f => (signed_relu s z + v)%Z :: add_output s o f | _, _ => [] end.
Fixpoint fit (n : nat) (l : list unit_neuron) (os : list (list Z)) : list Z :=
  match l, os with v :: l, o :: os => add_output (fst v) o (fit n l os) | _, _ => repeat 0%Z n end.
Fixpoint error (D : Z) (f y : list Z) : Z :=
  match f, y with z :: f, v :: y => let e := (z - v * D)%Z in (e * e + error D f y)%Z | _, _ => 0%Z end.

Definition inside_ball (ball : balls) (p : point) : bool :=
  let q := rd ball in let r := (rn ball * fst p)%Z in Z.ltb 0 q && Z.leb 0 r &&
  match ball with
  | Free => true
  | Entrywise _ _ => forallb (fun v => forallb (fun z => Z.leb (q * Z.abs z) r) (snd v)) (snd p)
  | Columns _ _ => forallb (fun v => Z.leb (q * q * dotZ (snd v) (snd v)) (r * r)) (snd p)
  | Frobenius _ _ => Z.leb (q * fold_right (fun v s => Z.sqrt_up (dotZ (snd v) (snd v)) + s)%Z 0%Z (snd p)) r
  end.

(* a straight line may lead from one point to the next: no neuron crosses a row's wall, or changes its sign away from 0 *)
Definition alongside (v v' : unit_neuron) : bool := Bool.eqb (fst v) (fst v') || zerob (snd v) || zerob (snd v').
Definition same_side (z z' : Z) : bool := Z.leb 0 (Z.sgn z * Z.sgn z').

Section Route.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable bn bd : Z.

Definition good_point (p : point) (os : list (list Z)) : bool :=
  Z.ltb 0 (fst p) && Nat.eqb (length (snd p)) m && forallb (fun v => Nat.leb (length (snd v)) d) (snd p) &&
  Z.leb (bd * error (fst p) (fit (length X) (snd p) os) y) (2 * bn * (fst p * fst p)) && inside_ball ball p.

Fixpoint follow (p : point) (os : list (list Z)) (l : list point) (B : endpoint) : bool :=
  match l with
  | [] => is_point B p
  | p' :: l => let os' := outputs X p' in
      good_point p' os' && all2 alongside (snd p) (snd p') && all2 (all2 same_side) os os' && follow p' os' l B
  end.
Definition check_route (A : endpoint) (p : point) (l : list point) (B : endpoint) : bool :=
  let os := outputs X p in
  Z.ltb 0 bd && forallb (fun x => Nat.leb (length x) d) X && is_point A p && good_point p os && follow p os l B.

(* ---- it is sound ---- *)

Lemma all2_nth : forall U V (f : U -> V -> bool) l l' u v, all2 f l l' = true ->
  length l = length l' /\ forall j, (j < length l)%nat -> f (nth j l u) (nth j l' v) = true.
Proof.
  intros U V f. induction l as [|a l IH]; intros [|b l'] u v H; cbn [all2] in H; try discriminate.
  - split; auto. simpl. intros; lia.
  - apply andb_prop in H as [H1 H2]. destruct (IH l' u v H2) as [E K]. simpl. split; [lia|].
    intros [|j] Hj; auto. apply K. lia.
Qed.

Definition neuron (p : point) (j : nat) : unit_neuron := nth j (snd p) (true, []).
Definition pW (p : point) : nat -> rvec := fun j i => vec (snd (neuron p j)) i / IZR (fst p).
Definition pa (p : point) : nat -> R := fun j => sgn (fst (neuron p j)).

Lemma dot_pW : forall x p j, dot x (pW p j) = IZR (dotZ x (snd (neuron p j))) / IZR (fst p).
Proof.
  intros x p j. unfold Rdiv. rewrite dotZ_dot, Rmult_comm, <- dot_scale.
  apply (dot_ext_len x (length x)); auto. intros i _. unfold pW, Rdiv. ring.
Qed.

Lemma add_output_map : forall s f g (Xs : list row),
  add_output s (map f Xs) (map g Xs) = map (fun x => (signed_relu s (f x) + g x)%Z) Xs.
Proof. intros s f g. induction Xs as [|x Xs IH]; cbn; auto. rewrite IH. reflexivity. Qed.

Fixpoint fit_at (l : list unit_neuron) (x : row) : Z :=
  match l with [] => 0%Z | v :: l => (signed_relu (fst v) (dotZ x (snd v)) + fit_at l x)%Z end.
Lemma fit_map : forall l, fit (length X) l (map (fun v => map (fun x => dotZ x (snd v)) X) l) = map (fit_at l) X.
Proof.
  induction l as [|v l IH]; cbn [fit map fit_at].
  - clear. induction X as [|x Xs IH]; cbn; auto. rewrite IH. reflexivity.
  - rewrite IH. apply add_output_map.
Qed.

Lemma signed_relu_R : forall s z D, 0 < IZR D -> sgn s * Rmax 0 (IZR z / IZR D) = / IZR D * IZR (signed_relu s z).
Proof.
  intros s z D HD. pose proof (Rinv_0_lt_compat _ HD) as I. unfold signed_relu, Rdiv. destruct (Z.ltb z 0) eqn:E.
  - apply Z.ltb_lt, IZR_lt in E. rewrite Rmax_left by nra. ring.
  - apply Z.ltb_ge, IZR_le in E. rewrite Rmax_right by nra. unfold sgn. destruct s; rewrite ?opp_IZR; ring.
Qed.

Lemma net_point : forall p x, 0 < IZR (fst p) -> net (length (snd p)) (pW p) (pa p) x = / IZR (fst p) * IZR (fit_at (snd p) x).
Proof.
  intros [D l] x HD. cbn [fst snd] in *. unfold net.
  transitivity (sumlt (length l) (fun j => / IZR D * IZR (signed_relu (fst (nth j l (true, []))) (dotZ x (snd (nth j l (true, []))))))).
  - apply sumlt_ext. intros j Hj. rewrite dot_pW. apply signed_relu_R. exact HD.
  - induction l as [|v l IH]; [simpl; ring|]. cbn [length]. rewrite sumlt_first. cbn [nth fit_at]. rewrite IH, plus_IZR. ring.
Qed.

Lemma error_R : forall D f, 0 < IZR D -> forall Xs ys,
  IZR (error D (map f Xs) ys) = IZR D * IZR D * sqerr (fun x => / IZR D * IZR (f x)) Xs ys.
Proof.
  intros D f HD. induction Xs as [|x Xs IH]; intros [|v ys]; cbn [map error sqerr]; try ring.
  rewrite plus_IZR, mult_IZR, minus_IZR, mult_IZR, IH. field. lra.
Qed.

Lemma abs_sgn : forall s, Rabs (sgn s) = 1.
Proof. intros []; simpl; [apply Rabs_R1|rewrite Rabs_left; lra]. Qed.

Lemma entry_R : forall v D i, IZR D > 0 -> Rabs (sgn (fst v) * (vec (snd v) i / IZR D)) = Rabs (vec (snd v) i) / IZR D.
Proof.
  intros v D i HD. unfold Rdiv. rewrite !Rabs_mult, (Rabs_right (/ IZR D)) by (left; apply Rinv_0_lt_compat; auto).
  rewrite abs_sgn. ring.
Qed.

Lemma length_R : forall v D r, IZR D > 0 -> (length (snd v) <= d)%nat -> 0 <= r ->
  IZR (dotZ (snd v) (snd v)) <= (r * IZR D) * (r * IZR D) -> norm d (fun i => sgn (fst v) * (vec (snd v) i / IZR D)) <= r.
Proof.
  intros v D r HD L Hr H. apply norm_least; auto.
  rewrite (sumlt_ext d _ (fun i => / (IZR D * IZR D) * (vec (snd v) i * vec (snd v) i))).
  2:{ intros i _. assert (E : sgn (fst v) * sgn (fst v) = 1) by (unfold sgn; destruct (fst v); ring).
      transitivity (sgn (fst v) * sgn (fst v) * (/ (IZR D * IZR D) * (vec (snd v) i * vec (snd v) i))); [field; lra|]. rewrite E. ring. }
  rewrite sumlt_scale. rewrite dotZ_dot, (dot_sumlt _ d) in H by auto.
  apply Rmult_le_reg_l with (IZR D * IZR D); [nra|]. rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by nra. lra.
Qed.

Lemma inside_ball_R : forall p, IZR (fst p) > 0 -> length (snd p) = m ->
  (forall v, In v (snd p) -> (length (snd v) <= d)%nat) -> inside_ball ball p = true -> in_ball m d ball (pW p) (pa p).
Proof.
  intros p HD Lm Ld H. unfold inside_ball in H. rewrite !andb_true_iff in H. destruct H as [[Hq Hr] H].
  apply Z.ltb_lt, IZR_lt in Hq. apply Z.leb_le, IZR_le in Hr. rewrite mult_IZR in Hr.
  set (q := IZR (rd ball)) in *. set (D := IZR (fst p)) in *.
  assert (Rn : 0 <= IZR (rn ball)) by (apply Rmult_le_reg_r with D; lra).
  assert (Hrho : 0 <= IZR (rn ball) / q) by (apply Rmult_le_pos; [|left; apply Rinv_0_lt_compat]; auto).
  assert (In_p : forall j, (j < m)%nat -> In (neuron p j) (snd p)) by (intros j Hj; apply nth_In; lia).
  unfold in_ball, rn, rd in *. destruct ball as [|k e|k e|k e]; auto; fold q.
  - intros j i Hj Hi. unfold pW, pa. rewrite entry_R by auto. fold D. specialize (In_p j Hj).
    apply Rmult_le_reg_l with q; auto. replace (q * (IZR k / q)) with (IZR k) by (field; lra).
    unfold vec. destruct (Nat.lt_ge_cases i (length (snd (neuron p j)))) as [Li|Li].
    + rewrite forallb_forall in H. specialize (H _ In_p). rewrite forallb_forall in H. specialize (H _ (nth_In _ 0%Z Li)).
      apply Z.leb_le, IZR_le in H. rewrite !mult_IZR, abs_IZR in H. fold q D in H.
      apply Rmult_le_reg_r with D; auto. replace (q * (Rabs (IZR (nth i (snd (neuron p j)) 0%Z)) / D) * D)
        with (q * Rabs (IZR (nth i (snd (neuron p j)) 0%Z))) by (field; lra). exact H.
    + rewrite nth_overflow by auto. rewrite Rabs_R0. unfold Rdiv. rewrite Rmult_0_l, Rmult_0_r. auto.
  - intros j Hj. specialize (In_p j Hj). rewrite forallb_forall in H. specialize (H _ In_p).
    apply Z.leb_le, IZR_le in H. rewrite !mult_IZR in H. fold q D in H. apply length_R; auto. fold D.
    apply Rmult_le_reg_l with (q * q); [nra|].
    replace (q * q * (IZR k / q * D * (IZR k / q * D))) with (IZR k * D * (IZR k * D)) by (field; lra). exact H.
  - apply Z.leb_le, IZR_le in H. rewrite !mult_IZR in H. fold q D in H.
    apply Rle_trans with (/ D * IZR (fold_right (fun v s => Z.sqrt_up (dotZ (snd v) (snd v)) + s)%Z 0%Z (snd p))).
    + rewrite <- Lm. unfold pW, pa, neuron. fold D. clear - HD Ld.
      induction (snd p) as [|v l IH]; cbn [length fold_right]; [simpl; lra|].
      rewrite sumlt_first, plus_IZR, Rmult_plus_distr_l. cbn [nth].
      apply Rplus_le_compat; [|apply IH; intros; apply Ld; right; auto].
      set (n := dotZ (snd v) (snd v)). pose proof (Z.sqrt_up_nonneg n) as S0. apply IZR_le in S0.
      pose proof (Rinv_0_lt_compat _ HD) as Di. apply length_R; auto; [apply Ld; left; auto|nra|].
      fold D n. replace (/ D * IZR (Z.sqrt_up n) * D) with (IZR (Z.sqrt_up n)) by (field; lra). rewrite <- mult_IZR. apply IZR_le.
      apply Z.sqrt_sqrt_up_spec. apply le_IZR. unfold n. rewrite dotZ_dot, (dot_sumlt _ d) by (apply Ld; left; auto). apply sumlt_squares.
    + apply Rmult_le_reg_l with (q * D); [nra|].
      replace (q * D * (IZR k / q)) with (IZR k * D) by (field; lra).
      eapply Rle_trans; [apply Req_le|exact H]. field. lra.
Qed.

Let c := IZR bn / IZR bd.
Hypothesis Hbd : (0 < bd)%Z.
Hypothesis Len : forall x, In x X -> (length x <= d)%nat.
Notation good := (good X y m d ball c).
Notation joined := (joined X y m d ball c).

Lemma good_point_R : forall p, good_point p (outputs X p) = true ->
  IZR (fst p) > 0 /\ length (snd p) = m /\ good (pW p) (pa p).
Proof.
  intros p H. unfold good_point in H. rewrite !andb_true_iff in H. destruct H as [[[[HD Lm] Ld] E] B].
  apply Z.ltb_lt, IZR_lt in HD. apply Nat.eqb_eq in Lm. split; [lra|]. split; auto. split.
  - apply inside_ball_R; auto. intros v Iv. rewrite forallb_forall in Ld. apply Nat.leb_le. auto.
  - unfold outputs in E. rewrite fit_map in E. apply Z.leb_le, IZR_le in E. rewrite !mult_IZR, error_R in E by auto.
    unfold loss, c. rewrite <- Lm. rewrite (sqerr_ext _ (fun x => / IZR (fst p) * IZR (fit_at (snd p) x))) by (intros; apply net_point; auto).
    set (s := sqerr _ X y) in *. pose proof (IZR_lt _ _ Hbd) as Hb. set (D := IZR (fst p)) in *.
    apply Rmult_le_reg_l with (2 * IZR bd * (D * D)); [apply Rmult_lt_0_compat; nra|].
    replace (2 * IZR bd * (D * D) * (/ 2 * s)) with (IZR bd * (D * D * s)) by field.
    replace (2 * IZR bd * (D * D) * (IZR bn / IZR bd)) with (2 * IZR bn * (D * D)) by (field; lra). exact E.
Qed.

(* a network is joined to its point *)
Lemma point_joined : forall A p, is_point A p = true -> IZR (fst p) > 0 -> length (snd p) = m -> good (pW p) (pa p) ->
  joined (W_of A) (a_of A) (pW p) (pa p).
Proof.
  intros A p H HD Lm G. unfold is_point in H. apply (all2_nth _ _ _ _ _ ([], 0%Q) (true, [])) in H as [LA H].
  assert (S : forall j, (j < m)%nat -> sgn (fst (neuron p j)) * a_of A j >= 0).
  { intros j Hj. rewrite <- Lm, <- LA in Hj. specialize (H j Hj). apply andb_prop in H as [H _]. apply Qle0 in H.
    unfold a_of, qa, neuron, sgn. destruct (fst (nth j (snd p) (true, []))); rewrite ?Q2R_opp in H; lra. }
  assert (U : forall j i, (j < m)%nat -> uvec (W_of A) (a_of A) j i = pW p j i).
  { intros j i Hj. rewrite <- Lm, <- LA in Hj. specialize (H j Hj). apply andb_prop in H as [_ H].
    apply (all2_nth _ _ _ _ _ 0%Q 0%Z) in H as [Lw H]. unfold uvec, W_of, a_of, qW, qa, pW, neuron, vec.
    destruct (Nat.lt_ge_cases i (length (fst (nth j A ([], 0%Q))))) as [Li|Li].
    - apply H, scaled1_R in Li. rewrite Li, Q2R_mult, absQ_abs. field. lra.
    - rewrite (nth_overflow _ 0%Q Li), (nth_overflow _ 0%Z) by (rewrite <- Lw; exact Li). rewrite Q2R_0. field. lra. }
  assert (GA : good (W_of A) (a_of A)).
  { apply (good_same X y m d ball c (pW p) (pa p)); auto. intros j Hj. split.
    - intros x Ix. rewrite (scale_relu _ _ _ (S j Hj)), <- dot_u. unfold pa. do 2 f_equal.
      apply (dot_ext_len x d); auto.
    - intros i Hi. right. unfold pa. rewrite !Rabs_mult, <- (U j i Hj). unfold uvec. rewrite Rabs_mult, Rabs_Rabsolu.
      rewrite abs_sgn. ring. }
  destruct (normal X y m d ball c Len (W_of A) (a_of A) (fun j => fst (neuron p j)) GA S) as [_ J].
  apply (joined_ext X y m d ball c) with (1 := J). intros j Hj. split; auto.
Qed.

Lemma outputs_side : forall p p' j x, all2 (all2 same_side) (outputs X p) (outputs X p') = true ->
  (j < length (snd p))%nat -> (j < length (snd p'))%nat -> In x X ->
  same_side (dotZ x (snd (neuron p j))) (dotZ x (snd (neuron p' j))) = true.
Proof.
  intros p p' j x H Hj Hj' Ix. unfold outputs, neuron in *. revert j Hj Hj'.
  generalize dependent (snd p'). induction (snd p) as [|v l IH]; intros [|v' l'] H [|j] Hj Hj'; simpl in Hj, Hj'; try lia;
    cbn [map all2] in H; apply andb_prop in H as [H1 H2]; cbn [nth]; [|apply IH; auto; lia].
  clear - H1 Ix. induction X as [|x0 Xs IH]; [destruct Ix|]. cbn [map all2] in H1. apply andb_prop in H1 as [H1 H2].
  destruct Ix as [<-|Ix]; auto.
Qed.

Lemma zerob_R : forall p j, zerob (snd (neuron p j)) = true -> forall i, pW p j i = 0.
Proof.
  intros p j H i. unfold zerob in H. unfold pW, vec. rewrite forallb_forall in H.
  destruct (Nat.lt_ge_cases i (length (snd (neuron p j)))) as [Li|Li].
  - specialize (H _ (nth_In _ 0%Z Li)). apply Z.eqb_eq in H. rewrite <- H. unfold Rdiv. ring.
  - rewrite nth_overflow by auto. unfold Rdiv. ring.
Qed.

(* the sign of a neuron changes where it is zero, before or after the straight line *)
Lemma segment : forall p p', IZR (fst p) > 0 -> IZR (fst p') > 0 -> length (snd p) = m -> good (pW p) (pa p) -> good (pW p') (pa p') ->
  all2 alongside (snd p) (snd p') = true -> all2 (all2 same_side) (outputs X p) (outputs X p') = true ->
  joined (pW p) (pa p) (pW p') (pa p').
Proof.
  intros p p' HD HD' Lm G G' S O. apply (all2_nth _ _ _ _ _ (true, []) (true, [])) in S as [L' S].
  set (a := fun j => if zerob (snd (neuron p j)) then pa p' j else pa p j).
  assert (Z : forall (q : point) (e e' : nat -> R) j, e j = e' j \/ zerob (snd (neuron q j)) = true ->
    (forall x, In x X -> e' j * Rmax 0 (dot x (pW q j)) = e j * Rmax 0 (dot x (pW q j))) /\
    forall i, (i < d)%nat -> e' j * pW q j i = e j * pW q j i \/ Rabs (e' j * pW q j i) = Rabs (e j * pW q j i)).
  { intros q e e' j [E|E].
    - rewrite E. auto.
    - pose proof (zerob_R q j E) as E0. split; [intros x _; rewrite dot_0, Rmax_left by (auto; lra); ring|].
      intros i _. left. rewrite E0. ring. }
  assert (G1 : good (pW p) a).
  { apply (good_same X y m d ball c (pW p) (pa p)); auto. intros j Hj. apply Z. unfold a. destruct (zerob _); auto. }
  assert (G2 : good (pW p') a).
  { apply (good_same X y m d ball c (pW p') (pa p')); auto. intros j Hj. apply Z. unfold a.
    destruct (zerob (snd (neuron p j))) eqn:E; auto. specialize (S j ltac:(lia)). unfold alongside in S.
    fold (neuron p j) (neuron p' j) in S. rewrite E, orb_false_r in S. apply orb_prop in S as [S|S]; auto.
    apply eqb_prop in S. unfold pa. rewrite S. auto. }
  apply (joined_trans X y m d ball c Len _ _ (pW p) a); [apply move_outer; auto|].
  apply (joined_trans X y m d ball c Len _ _ (pW p') a); [|apply move_outer; auto].
  apply move_inner; auto. intros j Hj. right. intros x Ix. rewrite !dot_pW.
  pose proof (outputs_side p p' j x O ltac:(lia) ltac:(lia) Ix) as E. apply Z.leb_le in E.
  set (z := dotZ x (snd (neuron p j))) in *. set (z' := dotZ x (snd (neuron p' j))) in *.
  assert (0 <= z * z')%Z as K by (rewrite <- (Z.sgn_nonneg (z * z')), Z.sgn_mul; exact E). apply IZR_le in K. rewrite mult_IZR in K.
  apply Rle_ge. replace (IZR z / IZR (fst p) * (IZR z' / IZR (fst p'))) with (IZR z * IZR z' * / (IZR (fst p) * IZR (fst p'))) by (field; lra).
  apply Rmult_le_pos; auto. left. apply Rinv_0_lt_compat, Rmult_lt_0_compat; lra.
Qed.

Lemma follow_joined : forall l p B, IZR (fst p) > 0 -> length (snd p) = m -> good (pW p) (pa p) ->
  follow p (outputs X p) l B = true -> joined (pW p) (pa p) (W_of B) (a_of B).
Proof.
  induction l as [|p' l IH]; intros p B HD Lm G H; cbn [follow] in H.
  - apply (joined_sym X y m d ball c). apply point_joined; auto.
  - rewrite !andb_true_iff in H. destruct H as [[[HG S] O] H]. apply good_point_R in HG as (HD' & Lm' & G').
    apply (joined_trans X y m d ball c Len _ _ (pW p') (pa p')); [apply segment; auto|apply IH; auto].
Qed.
End Route.

Theorem route_exact : forall D XQ yQ X y m d ball bn bd A p l B,
  scaled D XQ yQ X y && check_route X y m d ball bn bd A p l B = true ->
  is_joined XQ yQ m d ball A B (IZR bn / (IZR bd * IZR D * IZR D)).
Proof.
  intros D XQ yQ X y m d ball bn bd A p l B H. apply andb_prop in H as [HS H].
  unfold check_route in H. rewrite !andb_true_iff in H. destruct H as [[[[Hbd Len] HA] HG] HF].
  apply Z.ltb_lt in Hbd. assert (Len' : forall x, In x X -> (length x <= d)%nat).
  { intros x Ix. rewrite forallb_forall in Len. apply Nat.leb_le. auto. }
  apply (good_point_R X y m d ball bn bd Hbd) in HG as (HD & Lm & G).
  pose proof (follow_joined X y m d ball bn bd Hbd Len' l p B HD Lm G HF) as J.
  pose proof (point_joined X y m d ball bn bd Len' A p HA HD Lm G) as J'.
  destruct (joined_trans X y m d ball _ Len' _ _ _ _ _ _ J' J) as (V & v & P & V0 & V1 & K).
  exists V, v. split; [split; [exact P|split; [intros t Ht; apply K; auto|split; [exact V0|]]]|].
  - exists (fun j => j). split; [|exact V1]. split; [auto|split; auto].
  - intros t Ht. apply (loss_level D XQ yQ X y m bn bd HS Hbd). apply K; auto.
Qed.

Theorem joined_in_layers : forall XQ yQ m d ball A B b,
  is_joined XQ yQ m d ball A B b -> forallb (fun x => Nat.leb (length x) d) XQ = true ->
  forall RW Ra, 0 < RW -> 0 < Ra -> RW * Ra = IZR (rn ball) / IZR (rd ball) ->
  in_layers m d ball RW Ra (W_of A) (a_of A) -> in_layers m d ball RW Ra (W_of B) (a_of B) ->
  joined_layers XQ yQ m d ball RW Ra A B b.
Proof. intros. unfold joined_layers. apply path_in_layers; auto. Qed.

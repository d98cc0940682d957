(* A path in a ball from a list of points, straight in u = |a| w between two of them: networks of many neurons, in
   integers. *)
Require Import Reals List ZArith QArith Qreals Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Ball Isthmus.Definite Isthmus.Check Isthmus.Path Isthmus.Exact Isthmus.Rational
  Isthmus.Inside Isthmus.Statements Isthmus.Layers.
Import ListNotations.
Open Scope R_scope.

(* a path in the ball from A to B, neurons in their order, of loss <= b *)
Definition is_joined XQ yQ m d ball (A B : endpoint) (b : R) : Prop :=
  exists W a, connects m d true ball A B W a /\ forall t, 0 <= t <= 1 -> lossq XQ yQ m (W t) (a t) <= b.

Definition joined_layers XQ yQ m d ball RW Ra (A B : endpoint) (b : R) : Prop :=
  exists W a, connects_layers m d ball RW Ra true A B W a /\ forall t, 0 <= t <= 1 -> lossq XQ yQ m (W t) (a t) <= b.

(* ---- the checker ---- *)

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

(* a straight line may lead from one point to the next: no neuron crosses a row's wall, or changes its sign away from 0 *)
Definition alongside (v v' : unit_neuron) : bool := Bool.eqb (fst v) (fst v') || zerob (snd v) || zerob (snd v').
Definition same_side (z z' : Z) : bool := Z.leb 0 (Z.sgn z * Z.sgn z').

Section Route.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable bn bd : Z.

Definition good_point (p : point) (sh : sharing) (os : list (list Z)) : bool :=
  Z.ltb 0 (fst p) && Nat.eqb (length (snd p)) m && forallb (fun v => Nat.leb (length (snd v)) d) (snd p) &&
  Z.leb (bd * error (fst p) (fit (length X) (snd p) os) y) (2 * bn * (fst p * fst p)) &&
  inside_ball d ball p sh.

(* shs: the shares of the points, which most balls do without *)
Definition none : sharing := (1, 1, [])%Z.
Fixpoint follow (p : point) (os : list (list Z)) (l : list point) (shs : list sharing) (B : endpoint) : bool :=
  match l with
  | [] => is_point B p
  | p' :: l => let os' := outputs X p' in
      good_point p' (hd none shs) os' && all2 alongside (snd p) (snd p') && all2 (all2 same_side) os os' && follow p' os' l (tl shs) B
  end.
Definition check_route (A : endpoint) (p : point) (l : list point) (shs : list sharing) (B : endpoint) : bool :=
  let os := outputs X p in
  Z.ltb 0 bd && forallb (fun x => Nat.leb (length x) d) X && is_point A p && good_point p (hd none shs) os && follow p os l (tl shs) B.

(* ---- it is sound ---- *)

Lemma all2_nth : forall U V (f : U -> V -> bool) l l' u v, all2 f l l' = true ->
  length l = length l' /\ forall j, (j < length l)%nat -> f (nth j l u) (nth j l' v) = true.
Proof.
  intros U V f. induction l as [|a l IH]; intros [|b l'] u v H; cbn [all2] in H; try discriminate.
  - split; auto. simpl. intros; lia.
  - apply andb_prop in H as [H1 H2]. destruct (IH l' u v H2) as [E K]. simpl. split; [lia|].
    intros [|j] Hj; auto. apply K. lia.
Qed.

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

Let c := IZR bn / IZR bd.
Hypothesis Hbd : (0 < bd)%Z.
Hypothesis Len : forall x, In x X -> (length x <= d)%nat.
Notation good := (good X y m d ball c).
Notation joined := (joined X y m d ball c).

Lemma good_point_R : forall p sh, good_point p sh (outputs X p) = true ->
  IZR (fst p) > 0 /\ length (snd p) = m /\ good (pW p) (pa p).
Proof.
  intros p sh H. unfold good_point in H. rewrite !andb_true_iff in H. destruct H as [[[[HD Lm] Ld] E] B].
  apply Z.ltb_lt, IZR_lt in HD. apply Nat.eqb_eq in Lm. split; [lra|]. split; auto. split.
  - apply (inside_ball_R m d ball p sh); auto. intros v Iv. rewrite forallb_forall in Ld. apply Nat.leb_le. auto.
  - unfold outputs in E. rewrite fit_map in E. apply Z.leb_le, IZR_le in E. rewrite !mult_IZR, error_R in E by auto.
    unfold loss, c. rewrite <- Lm. rewrite (sqerr_ext _ (fun x => / IZR (fst p) * IZR (fit_at (snd p) x))) by (intros; apply net_point; auto).
    set (s := sqerr _ X y) in *. pose proof (IZR_lt _ _ Hbd) as Hb. set (D := IZR (fst p)) in *.
    apply Rmult_le_reg_l with (2 * IZR bd * (D * D)); [apply Rmult_lt_0_compat; nra|].
    replace (2 * IZR bd * (D * D) * (/ 2 * s)) with (IZR bd * (D * D * s)) by field.
    replace (2 * IZR bd * (D * D) * (IZR bn / IZR bd)) with (2 * IZR bn * (D * D)) by (field; lra). exact E.
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

Lemma dot_point : forall p j x, dot x (uvec (pW p) (pa p) j) = dot x (pW p j).
Proof. intros p j x. rewrite dot_u. unfold pa. rewrite abs_sgn. ring. Qed.

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
  assert (Ux : forall j x, (j < m)%nat -> dot x (uvec (W_of A) (a_of A) j) = dot x (pW p j)).
  { intros j x Hj. apply (dot_ext_len x (length x)); auto. }
  assert (GA : good (W_of A) (a_of A)).
  { apply (good_shrink X y m d ball c (pW p) (pa p) _ _ (fun _ => 1)); auto. intros j Hj. rewrite Rabs_R1. split; [|split; [lra|]].
    - intros x Ix. rewrite (scale_relu _ _ _ (S j Hj)), <- dot_u, Ux by auto. reflexivity.
    - intros i Hi. rewrite <- (U j i Hj). unfold uvec, pa. specialize (S j Hj). unfold sgn in *.
      destruct (fst (neuron p j)); [rewrite Rabs_right by lra|rewrite Rabs_left1 by lra]; ring. }
  apply (aligned X y m d ball c Len _ _ _ _ (fun j => fst (neuron p j)) GA G). intros j Hj. split; [left; auto|]. split.
  - left. unfold pa, sgn. destruct (fst (neuron p j)); lra.
  - intros x Ix. rewrite Ux, dot_point by auto. apply Rle_ge, Rle_0_sqr.
Qed.

(* the sign of a neuron changes where it is zero *)
Lemma segment : forall p p', IZR (fst p) > 0 -> IZR (fst p') > 0 -> length (snd p) = m -> good (pW p) (pa p) -> good (pW p') (pa p') ->
  all2 alongside (snd p) (snd p') = true -> all2 (all2 same_side) (outputs X p) (outputs X p') = true ->
  joined (pW p) (pa p) (pW p') (pa p').
Proof.
  intros p p' HD HD' Lm G G' S O. apply (all2_nth _ _ _ _ _ (true, []) (true, [])) in S as [L' S].
  assert (Z : forall q j i, zerob (snd (neuron q j)) = true -> pW q j i = 0).
  { intros q j i H. unfold pW. rewrite (zerob_vec (snd (neuron q j)) i H). unfold Rdiv. ring. }
  assert (Own : forall q j, sgn (fst (neuron q j)) * pa q j >= 0) by (intros q j; unfold pa, sgn; destruct (fst (neuron q j)); lra).
  apply (aligned X y m d ball c Len _ _ _ _ (fun j => fst (neuron (if zerob (snd (neuron p j)) then p' else p) j)) G G').
  intros j Hj. split; [|split].
  - destruct (zerob (snd (neuron p j))) eqn:E; auto.
  - destruct (zerob (snd (neuron p j))) eqn:E; auto. specialize (S j ltac:(lia)). unfold alongside in S.
    fold (neuron p j) (neuron p' j) in S. rewrite E, orb_false_r in S. apply orb_prop in S as [S|S]; auto.
    apply eqb_prop in S. rewrite S. auto.
  - intros x Ix. rewrite !dot_point, !dot_pW. pose proof (outputs_side p p' j x O ltac:(lia) ltac:(lia) Ix) as E. apply Z.leb_le in E.
    set (z := dotZ x (snd (neuron p j))) in *. set (z' := dotZ x (snd (neuron p' j))) in *.
    assert (0 <= z * z')%Z as K by (rewrite <- (Z.sgn_nonneg (z * z')), Z.sgn_mul; exact E). apply IZR_le in K. rewrite mult_IZR in K.
    apply Rle_ge. replace (IZR z / IZR (fst p) * (IZR z' / IZR (fst p'))) with (IZR z * IZR z' * / (IZR (fst p) * IZR (fst p'))) by (field; lra).
    apply Rmult_le_pos; auto. left. apply Rinv_0_lt_compat, Rmult_lt_0_compat; lra.
Qed.

Lemma follow_joined : forall l p shs B, IZR (fst p) > 0 -> length (snd p) = m -> good (pW p) (pa p) ->
  follow p (outputs X p) l shs B = true -> joined (pW p) (pa p) (W_of B) (a_of B).
Proof.
  induction l as [|p' l IH]; intros p shs B HD Lm G H; cbn [follow] in H.
  - apply (turned m d good). apply point_joined; auto.
  - rewrite !andb_true_iff in H. destruct H as [[[HG S] O] H]. apply good_point_R in HG as (HD' & Lm' & G').
    apply (joined_trans X y m d ball c Len _ _ (pW p') (pa p')); [apply segment; auto|apply (IH p' (tl shs)); auto].
Qed.
End Route.

Theorem route_exact : forall D XQ yQ X y m d ball bn bd A p l shs B,
  scaled D XQ yQ X y && check_route X y m d ball bn bd A p l shs B = true ->
  is_joined XQ yQ m d ball A B (IZR bn / (IZR bd * IZR D * IZR D)).
Proof.
  intros D XQ yQ X y m d ball bn bd A p l shs B H. apply andb_prop in H as [HS H].
  unfold check_route in H. rewrite !andb_true_iff in H. destruct H as [[[[Hbd Len] HA] HG] HF].
  apply Z.ltb_lt in Hbd. assert (Len' : forall x, In x X -> (length x <= d)%nat).
  { intros x Ix. rewrite forallb_forall in Len. apply Nat.leb_le. auto. }
  apply (good_point_R X y m d ball bn bd Hbd) in HG as (HD & Lm & G).
  pose proof (follow_joined X y m d ball bn bd Hbd Len' l p (tl shs) B HD Lm G HF) as J.
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
